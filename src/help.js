// @ts-check
'use strict'

/** Where the text of an error goes on: a section of the page that explains errors. */

const { homepage } = /** @type {{ homepage: string }} */ (require('../package.json'))

const PAGE = `${homepage.replace(/#.*$/, '')}/blob/main/docs/troubleshooting.md`

/**
 * @param {string} section as in the page's links
 * @returns {string}
 */
const helpUrl = section => `${PAGE}#${section}`

module.exports = { helpUrl }
