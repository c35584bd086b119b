// @ts-check
/** Jest: ends what `globalSetup.js` has started. */
module.exports = async () => {
  await /** @type {any} */ (globalThis).stopSharedCluster()
}
