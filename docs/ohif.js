// Configuration of the OHIF viewer (version 3) for a Hilum server on this machine. The viewer that `hilum viewer install`
// installs has its own.
window.config = {
  "name": "hilum",
  "routerBasename": "/",
  "extensions": [],
  "modes": [],
  "customizationService": {},
  "showStudyList": true,
  "maxNumberOfWebWorkers": 3,
  "showWarningMessageForCrossOrigin": false,
  "showCPUFallbackMessage": true,
  "showLoadingIndicator": true,
  "strictZSpacingForVolumeViewport": true,
  "groupEnabledModesFirst": true,
  "showErrorDetails": "always",
  "maxNumRequests": {
    "interaction": 100,
    "thumbnail": 5,
    "prefetch": 25
  },
  "defaultDataSourceName": "hilum",
  "dataSources": [
    {
      "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
      "sourceName": "hilum",
      "configuration": {
        "friendlyName": "Hilum",
        "name": "hilum",
        "qidoRoot": "http://127.0.0.1:8080/dicomweb",
        "wadoRoot": "http://127.0.0.1:8080/dicomweb",
        "qidoSupportsIncludeField": true,
        "supportsFuzzyMatching": true,
        "supportsWildcard": true,
        "supportsStow": true,
        "dicomUploadEnabled": true,
        "imageRendering": "wadors",
        "thumbnailRendering": "thumbnail",
        "thumbnailRequestStrategy": "fetch",
        "enableStudyLazyLoad": true,
        "bulkDataURI": {
          "enabled": true
        },
        "singlepart": "bulkdata,video,pdf",
        "omitQuotationForMultipartRequest": false
      }
    }
  ]
};
