// Calls every method of dicomweb-client against a server and prints what came back, for a test to judge.
// Arguments: the folder with node_modules, and a JSON object of what to ask for.

const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const [folder, text] = process.argv.slice(2);
const asked = JSON.parse(text);
const modules = join(folder, 'node_modules');

// The library is written for browsers.
const XMLHttpRequest = require(join(modules, 'xhr2'));
global.XMLHttpRequest = class extends XMLHttpRequest {
  accepts = false;

  setRequestHeader(name, value) {
    this.accepts ||= name.toLowerCase() === 'accept';
    super.setRequestHeader(name, value);
  }

  // Like every browser, and unlike the package.
  send(data) {
    if (!this.accepts) this.setRequestHeader('Accept', '*/*');
    super.send(data);
  }
};
const { api } = require(join(modules, 'dicomweb-client'));

const client = new api.DICOMwebClient({ url: asked.url });
const alone = new api.DICOMwebClient({ url: asked.url, singlepart: 'bulkdata,video' });
const study = { studyInstanceUID: asked.study };
const series = { ...study, seriesInstanceUID: asked.series };
const instance = { ...series, sopInstanceUID: asked.instance };
const octets = 'application/octet-stream';

const digest = (buffer) => createHash('sha256').update(Buffer.from(buffer)).digest('hex');
const digests = (buffers) => buffers.map(digest);
const read = (path) => {
  const data = readFileSync(path);
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
};

const calls = {
  storeInstances: async () => JSON.parse(await client.storeInstances({ datasets: asked.files.map(read) })),
  storeInstancesOfStudy: async () =>
    JSON.parse(await client.storeInstances({ studyInstanceUID: asked.study, datasets: asked.files.map(read) })),
  searchForStudies: () => client.searchForStudies({ queryParams: { StudyInstanceUID: asked.study } }),
  searchForNothing: () => client.searchForStudies({ queryParams: { PatientID: 'nobody at all' } }),
  searchForSeries: () => client.searchForSeries(study),
  searchForAllSeries: () => client.searchForSeries({ queryParams: { SeriesInstanceUID: asked.series } }),
  searchForInstances: () => client.searchForInstances(series),
  searchForInstancesOfStudy: () => client.searchForInstances(study),
  searchForAllInstances: () => client.searchForInstances({ queryParams: { SOPInstanceUID: asked.instance } }),
  retrieveStudyMetadata: () => client.retrieveStudyMetadata(study),
  retrieveSeriesMetadata: () => client.retrieveSeriesMetadata(series),
  retrieveInstanceMetadata: () => client.retrieveInstanceMetadata(instance),
  retrieveStudy: async () => digests(await client.retrieveStudy(study)),
  retrieveSeries: async () => digests(await client.retrieveSeries(series)),
  retrieveInstance: async () => digest(await client.retrieveInstance(instance)),
  retrieveInstanceFrames: async () =>
    digests(
      await client.retrieveInstanceFrames({ ...instance, frameNumbers: [1, 2], mediaTypes: [{ mediaType: octets }] }),
    ),
  retrieveInstanceFramesOfAnySyntax: async () =>
    digests(
      await client.retrieveInstanceFrames({
        ...instance,
        frameNumbers: [2],
        mediaTypes: [{ mediaType: octets, transferSyntaxUID: '*' }],
      }),
    ),
  retrieveBulkData: async () => {
    const metadata = await client.retrieveInstanceMetadata(instance);
    return digests(await client.retrieveBulkData({ BulkDataURI: metadata[0]['7FE00010'].BulkDataURI }));
  },
  retrieveBulkDataOfAnyType: async () => {
    const metadata = await alone.retrieveInstanceMetadata(instance);
    return digests(await alone.retrieveBulkData({ BulkDataURI: metadata[0]['7FE00010'].BulkDataURI }));
  },
  retrieveBulkDataAlone: async () => {
    const metadata = await alone.retrieveInstanceMetadata(instance);
    const options = { BulkDataURI: metadata[0]['7FE00010'].BulkDataURI, headers: { Accept: octets } };
    return digests(await alone.retrieveBulkData(options));
  },
  retrieveBulkDataInRange: async () => {
    const metadata = await alone.retrieveInstanceMetadata(instance);
    const headers = { Accept: octets, Range: 'bytes=16-31' };
    return digests(await alone.retrieveBulkData({ BulkDataURI: metadata[0]['7FE00010'].BulkDataURI, headers }));
  },
  buildInstanceWadoURIUrl: async () => client.buildInstanceWadoURIUrl({ ...instance, contentType: 'image/jpeg' }),
};

const rendered = {
  retrieveInstanceRendered: async () =>
    (await client.retrieveInstanceRendered({ ...instance, mediaTypes: [{ mediaType: 'image/gif' }] })).byteLength,
  retrieveInstanceThumbnail: async () =>
    (await client.retrieveInstanceThumbnail({ ...instance, mediaTypes: [{ mediaType: 'image/jpeg' }] })).byteLength,
  retrieveInstanceFramesRendered: async () =>
    (
      await client.retrieveInstanceFramesRendered({
        ...instance,
        frameNumbers: [1],
        mediaTypes: [{ mediaType: 'image/jpeg' }],
      })
    ).byteLength,
  retrieveInstanceFramesThumbnail: async () =>
    (
      await client.retrieveInstanceFramesThumbnail({
        ...instance,
        frameNumbers: [1],
        mediaTypes: [{ mediaType: 'image/jpeg' }],
      })
    ).byteLength,
};

async function main() {
  const results = {};
  for (const [name, call] of Object.entries({ ...calls, ...(asked.rendered ? rendered : {}) })) {
    try {
      results[name] = { value: await call() };
    } catch (error) {
      results[name] = { error: `${error.status ?? ''} ${error.message}`.trim() };
    }
  }
  process.stdout.write(JSON.stringify(results));
}

main();
