// An unmodified Uppy with the options that docs/howto/uppy.md names, for the browser test.
import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';

interface Sent {
  name: string;
  location: string | undefined;
  failure: string;
}

export async function send(files: File[]): Promise<Sent[]> {
  const uppy = new Uppy({ autoProceed: false });
  uppy.use(AwsS3, { companionEndpoint: '/v1/companion', shouldUseMultipart: true });
  uppy.on('file-added', (file) => uppy.setFileMeta(file.id, { size: file.size }));
  for (const file of files) uppy.addFile({ name: file.name, type: file.type, data: file });
  const done = await uppy.upload();
  return [...(done?.successful ?? []), ...(done?.failed ?? [])].map((file) => ({
    name: file.name,
    location: file.uploadURL,
    failure: file.error ?? '',
  }));
}

/** Sends until the first part has arrived, goes away as a closed page does, and comes back. */
export async function interrupt(file: File): Promise<Sent[]> {
  const first = new Uppy();
  first.use(AwsS3, { companionEndpoint: '/v1/companion', shouldUseMultipart: true });
  first.on('file-added', (added) => first.setFileMeta(added.id, { size: added.size }));
  const id = first.addFile({ name: file.name, type: file.type, data: file });
  const arrived = new Promise<void>((resolve) => {
    first.on('s3-multipart:part-uploaded', () => resolve());
  });
  void first.upload();
  await arrived;
  first.pauseAll();
  const left = first.getFile(id) as unknown as { s3Multipart: object };

  const second = new Uppy();
  second.use(AwsS3, { companionEndpoint: '/v1/companion', shouldUseMultipart: true });
  const again = second.addFile({ name: file.name, type: file.type, data: file });
  second.setFileState(again, { s3Multipart: left.s3Multipart } as never);
  const done = await second.upload();
  return (done?.successful ?? []).map((sent) => ({
    name: sent.name,
    location: sent.uploadURL,
    failure: '',
  }));
}
