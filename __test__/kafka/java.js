// @ts-check
/** Flags for the Java of brokers and tools: there are many at once, on few cores. */
const JVM = ['-XX:+UseSerialGC', '-XX:-UsePerfData']
/** Java's second compiler takes more than half of the processor's time in a broker's first minute, and saves some later. */
const BRIEF = ['-XX:TieredStopAtLevel=1']

module.exports = { BRIEF, JVM }
