// @ts-check
'use strict'

/** The cluster itself. */

/** @param {{ cluster: import('../cluster'), attempts: import('./attempts').Attempts }} frame */
module.exports = ({ cluster, attempts }) => {
  const describeCluster = () => attempts.whole('describe the cluster', () => cluster.describe())

  return { describeCluster }
}
