"""Where signed part URLs of the local disk are answered.

Mounted as plain routes beside the route tables: whoever holds a signed address may send its part.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tintype.adapters.disk.blobs import DiskBlobs
from tintype.adapters.disk.signing import PART_PATH, PartClaim
from tintype.kernel.problem import Forbidden, Gone, Malformed, OutOfSpace, TooLarge, Unavailable
from tintype.ports import errors


class PartUrlRefused(Forbidden):
    """This part address was not signed here, or its hour is over."""


class PartLengthMissing(Malformed):
    """Send the part with a Content-Length."""

    status = 411  # the one status without a family: only this route needs a length beforehand


class PartTooLong(TooLarge):
    """This part is longer than the length it was signed for."""


class PartTooShort(Malformed):
    """This part is shorter than the length it was signed for."""


class UploadGone(Gone):
    """This upload was completed or given up; parts of it are no longer taken."""


def part_routes(blobs: DiskBlobs) -> list[Route]:
    """The routes that take parts in. They know no accounts: the signature is the permission."""

    async def put_part(request: Request) -> Response:
        claim = _claim(blobs, request)
        _check_length(request, claim)
        try:
            async with blobs.intake.receive(claim) as part:
                async for data in request.stream():
                    if part.bytes + len(data) > claim.bytes:
                        raise PartTooLong
                    await part.write(data)
                if part.bytes < claim.bytes:
                    raise PartTooShort
                stored = await part.commit()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is left to read it
        except errors.NoSuchUpload as error:
            raise UploadGone from error
        except errors.OutOfSpace as error:
            raise OutOfSpace from error
        except errors.AdapterError as error:
            raise Unavailable from error
        return Response(headers={"ETag": f'"{stored.etag}"'})

    return [Route(PART_PATH + "/{upload}/{number:int}", put_part, methods=["PUT"])]


def _claim(blobs: DiskBlobs, request: Request) -> PartClaim:
    """What the URL permits; nothing about the upload is looked up before the signature is right."""
    query = request.query_params
    try:
        claim = PartClaim(
            upload=request.path_params["upload"],
            number=request.path_params["number"],
            bytes=int(query["bytes"]),
        )
        expires, signature = int(query["expires"]), query["signature"]
    except (KeyError, ValueError) as error:
        raise PartUrlRefused from error
    if not blobs.permits(claim, expires=expires, signature=signature):
        raise PartUrlRefused
    return claim


def _check_length(request: Request, claim: PartClaim) -> None:
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise PartLengthMissing
    if int(length) > claim.bytes:
        raise PartTooLong
    if int(length) < claim.bytes:
        raise PartTooShort
