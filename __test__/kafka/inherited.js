// @ts-check
const fs = require('node:fs')

/**
 * Closes the file descriptors that came from whoever started this process, so that none lives on in a broker:
 * a lock that the caller's shell holds on descriptor 200 would otherwise be held until the broker ends. Node
 * itself marks the first sixteen and opens its own as close-on-exec, by which the others are told apart.
 *
 * Linux only: other systems do not say how a descriptor is marked.
 */
const closeInherited = () => {
  const FD_INFO = '/proc/self/fdinfo'
  const O_CLOEXEC = 0o2000000
  if (!fs.existsSync(FD_INFO)) return
  for (const fd of fs.readdirSync(FD_INFO)) {
    if (Number(fd) <= 2) continue
    try {
      const info = fs.readFileSync(`${FD_INFO}/${fd}`, 'latin1')
      const [, flags = '0'] = /^flags:\s+([0-7]+)/m.exec(info) ?? []
      if ((parseInt(flags, 8) & O_CLOEXEC) === 0) fs.closeSync(Number(fd))
    } catch {
      // The descriptor of the directory listing itself is closed by now.
    }
  }
}

module.exports = { closeInherited }
