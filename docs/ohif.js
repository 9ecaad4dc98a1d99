// Configuration of the OHIF viewer (version 3) for a Hilum server on this machine.
window.config = {
  routerBasename: '/',
  showStudyList: true,
  extensions: [],
  modes: [],
  defaultDataSourceName: 'hilum',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'hilum',
      configuration: {
        friendlyName: 'Hilum',
        name: 'hilum',
        qidoRoot: 'http://127.0.0.1:8080/dicomweb',
        wadoRoot: 'http://127.0.0.1:8080/dicomweb',
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        supportsStow: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        bulkDataURI: { enabled: true },
        singlepart: 'bulkdata,video,pdf',
        omitQuotationForMultipartRequest: false,
      },
    },
  ],
};
