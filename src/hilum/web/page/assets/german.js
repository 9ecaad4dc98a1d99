// German for each text of the code.
export const GERMAN = {};
