// @ts-check
'use strict'

/**
 * Where kafkars differs from kafkajs on purpose. A key is the left column of a row of DIFFERENCES.md, or of a
 * table of options in docs/ where kafkajs has no such option; below are the specs that show it, by file and full name.
 * kafkajs fails these and no others; `environment.js` and `unit/differences.test.js` hold the list to that. The specs of
 * faults are not run on kafkajs (see `jest.config.js`).
 *
 * @type {Record<string, Record<string, string[]>>}
 */
module.exports = {
  // Options that kafkajs does not have (docs/configuration.md)
  '`partitionAssigners`': {
    'consumer/assigners': [
      "Kafka's own assigners range shares a group with a member in Java",
      "Kafka's own assigners RoundRobinAssignor shares a group with a member in Java",
      "Kafka's own assigners sticky shares a group with a member in Java",
      "Kafka's own assigners stand beside those of programs, in order"
    ],
    'consumer/cooperative': [
      'a member that comes and one that goes take over what is moved and nothing else: each message once, kept partitions without a pause',
      'a member that comes and one that goes leave alone a handler of what is kept, its heartbeat(), its pauses, positions and commits',
      'a list with an eager assigner in it is the bridge: two rolling bounces under load lose nothing',
      "with Kafka's own member ours leads, and each partition has one owner",
      "with Kafka's own member Java's leads, and each partition has one owner",
      'a custom assigner that says that it is cooperative is told what members own, and nobody gets what another one has not given up',
      'a custom assigner that says that it is cooperative has to write what others can read'
    ],
    'consumer/consumerProtocol': [
      'a group that changes its protocol member by member from a cooperative one, loses nothing and gives nothing twice, there and back'
    ],
    'consumer/groups': [
      'eager: a group led by a member in Java takes in another member',
      'eager: a group with members in Java takes in another member',
      'cooperative: a fourth member joins',
      'cooperative: a member leaves',
      'cooperative: a rolling restart of three',
      'cooperative: a member is killed',
      'cooperative: a static member is killed and restarted',
      'cooperative: a topic gets six more partitions',
      'cooperative: a group led by a member in Java takes in another member',
      'cooperative: a group with members in Java takes in another member'
    ]
  },
  '`groupInstanceId`': {
    'consumer/staticMembership': [
      'a member that is restarted has its partitions again, and the others do not rejoin',
      'a member that does not come back is missed after the session timeout',
      'a second one of the same name takes the place of the first, which crashes for good',
      'all members are restarted one after another, the leader too: no generation, no partition moves'
    ],
    'consumer/groups': ['eager: a static member is killed and restarted'],
    'consumer/migration': ['a static member whose place one of KIP-848 takes crashes for good']
  },
  '`groupProtocol`': {
    'consumer/session': [
      'a batch that is at work while nobody is heard counts, if its member is one still: false',
      'a batch that is at work while nobody is heard counts, if its member is one still: true'
    ],
    'consumer/consumerProtocol': [
      'alone: it has all, commits, and goes on from there when it comes back',
      'a second member: the first gives up half, is told so, and goes on with the other half',
      'in one group with a Java member',
      'describeGroup() tells of it as of any group',
      'a RegExp is evaluated here, an expression of RE2 by the broker',
      'a static member that comes back has its partitions again, and nobody else notices',
      'refused by name sessionTimeout',
      'refused by name heartbeatInterval',
      'refused by name partitionAssigners',
      'refused by name groupRemoteAssignor',
      'refused by name an assignor that the broker does not have',
      'refused by name an expression that RE2 cannot read, with the words of the broker',
      'refused by name an expression of RE2 in a classic group'
    ],
    'consumer/groups': [
      'consumer: a fourth member joins',
      'consumer: a member leaves',
      'consumer: a rolling restart of three',
      'consumer: a member is killed',
      'consumer: a static member is killed and restarted',
      'consumer: a topic gets six more partitions',
      'consumer: a group led by a member in Java takes in another member',
      'consumer: a group with members in Java takes in another member'
    ]
  },
  '`copyValues`': {
    'consumer/payloads': ['a message has memory of its own with copyValues']
  },
  '`autoOffsetReset`': {
    'consumer/consumeMessages': [
      'where a group begins is an error, when its position is gone and autoOffsetReset is none'
    ],
    'consumer/logStart': [
      'messages that are deleted while their partition is paused are an error with autoOffsetReset none, and the position stays where it was'
    ],
    'consumer/reset': [
      'earliest: the first message',
      'latest: behind the last message',
      'a duration: the first message that is not older',
      'a duration in which there is nothing: behind the last message',
      'none: fromBeginning says where to begin',
      'what the group has committed counts before all of them',
      'a lost position: the same again',
      'a lost position with none is a crash',
      'assign() without an offset, without a group and with one',
      'refuses what is none of them, and a fromBeginning that says something else'
    ],
    'consumer/truncation': [
      'a truncated log is an error with autoOffsetReset none',
      'what is assigned or pulled goes back to where the log was cut, or ends with autoOffsetReset none'
    ]
  },
  '`stalledAfter`': {
    'consumer/health': [
      'health() tells of a life',
      'health() knows the handler that is at work, and since when',
      'health() tells a crash for good from one behind which it begins again',
      'health() works without a group',
      'STALLED tells of a handler that hangs, once, and again when it has gone on and hangs anew',
      'STALLED tells of messages that nobody asks for, and not of what is paused',
      'STALLED on a broker that is no coordinator, and dies tells of a group that never gets its coordinator, and of a broker that does not answer',
      'refuses times that are none',
      'leaves nothing on the channels of the process'
    ]
  },
  '`kafkars:` and the name of an event': {
    'consumer/diagnostics': [
      'diagnostics channels tell of every event by its name: commits, rebalances, requests'
    ]
  },
  '`tracing:kafkars:consumer.handle`': {
    'consumer/diagnostics': [
      'diagnostics channels tell of each call of a handler, with what it has thrown',
      'diagnostics channels do so for batches',
      'diagnostics channels leave a handler its stop(), which does not wait for it'
    ]
  },
  '`kafkars_consumer_messages_total`': {
    'consumer/prometheus': [
      'tells of messages, lag, commits and joins, until it is ended',
      'counts what is pulled as what is pushed, in a group and without'
    ]
  },
  '`kafkars_consumer_lag`': {
    'consumer/prometheus': [
      'tells of the lag as it is when it is asked, between deliveries as well'
    ]
  },
  '`lagInterval`': {
    'consumer/health': [
      'LAG is what lag() answers, again and again, while somebody listens',
      'LAG is off without an interval, and heard on its channel'
    ]
  },

  '`maxDecompressedBytes`': {
    'consumer/sizes': [
      'a batch that decompresses to more than maxDecompressedBytes ends the consumer, by name'
    ]
  },

  '`keyDeserializer`, `valueDeserializer`, `onDeserializationError`': {
    'consumer/deserializers': [
      'deserializers read keys and values by the name of a format or by an async function',
      'deserializers read the messages of a batch before its handler is called',
      'deserializers that cannot read are the end, by default, and nothing is passed over',
      'deserializers are left out by "skip", also when nothing else is there',
      'deserializers that are functions are tried again: the registry may be down',
      'deserializers may hand what they cannot read to the program, bytes and all',
      'deserializers end a batch before the message that they cannot read',
      'deserializers leave out what no handler can resolve, at the end of a batch',
      'deserializers leave out what no handler can resolve, when nothing else is in the batch',
      'deserializers of a consumer that is pulled a format: what cannot be read is not handed out, and not passed over',
      'deserializers of a consumer that is pulled a format: getMany() hands out what is before it, of each partition',
      'deserializers of a consumer that is pulled an async function: what cannot be read is not handed out, and not passed over',
      'deserializers of a consumer that is pulled an async function: getMany() hands out what is before it, of each partition',
      'deserializers of a consumer that is pulled that are left out are no answer: getMany() waits for others',
      'deserializers of a consumer that is pulled end an iteration, and the next one begins with the same message',
      'deserializers of a consumer that is pulled do not let a call wait for longer than it was to, when they leave out what there is',
      'deserializers of a consumer that is pulled are not overtaken by another call'
    ]
  },

  '`messagesConsumedConcurrently`, `orderBy`': {
    'consumer/parallel': [
      'so many handlers at once in one partition, and the messages of a key one after the other',
      'messages without a key are in no order, and orderBy says what is',
      'what comes while a handler is at work does not wait for it',
      'a message that fails is tried again, those of its key wait for it, and no others do',
      'another member goes on without what is finished',
      'kill -9 what was finished beyond the commit is not repeated'
    ]
  },

  '`onFailure`': {
    'consumer/onFailure': [
      'onFailure tries again in place, then writes to the dead-letter topic, and goes on',
      'onFailure does not try again what cannot succeed, and leaves keys, values and tombstones as they were',
      'onFailure lets messages wait in retry topics while their partition goes on',
      'onFailure sends of a batch only the message that no deserializer can read',
      'onFailure exactlyOnce commits the offset with the message, and nothing else has to',
      'onFailure sends what is not resolved of a batch',
      'onFailure when decides: again, to the dead-letter topic, left out, or as without onFailure',
      'onFailure makes the topics that are missing',
      'onFailure refuses {"retries":-1,"deadLetterTopic":"d"}',
      'onFailure refuses {"when":true}',
      'onFailure refuses {"retryTopics":[5]}',
      'onFailure refuses {"retryTopics":5}',
      'onFailure refuses {"retryTopics":[-5],"deadLetterTopic":"d"}',
      'onFailure refuses {"retryTopics":[{"topic":"d","delay":1}],"deadLetterTopic":"d"}',
      'onFailure refuses {"exactlyOnce":true,"deadLetterTopic":"d"}',
      'onFailure refuses {"deadLetterTopic":7}'
    ],
    'producer/doubts': [
      'onFailure with exactlyOnce goes on behind a message whose transaction was committed, although nobody said so',
      'onFailure with exactlyOnce hands a message out again whose transaction was not committed'
    ]
  },

  '`onPartitionsAssigned`, `onPartitionsRevoked`, `onPartitionsLost`': {
    'consumer/hooks': [
      'rebalance hooks hear of all that comes and goes, one behind the other, and around the messages',
      'rebalance hooks seek, and that is where a partition begins, whatever the group has committed',
      'rebalance hooks pause, and nothing comes before the end of that',
      'rebalance hooks commit what handlers have finished, before the partitions go',
      'rebalance hooks hear of a loss, when a handler hangs, and of what comes when it goes on',
      'rebalance hooks that throw are a crash, and the consumer begins anew',
      'rebalance hooks that never end are a crash for good, which names them',
      'rebalance hooks may call stop()',
      'rebalance hooks may call disconnect()'
    ]
  },

  // Differences from kafkajs
  'heartbeats between messages': {
    'consumer/session': ['who stood still for longer than its session hands out nothing more'],
    'consumer/pains': [
      'a handler that awaits for longer than a session, and beats no heart, stays a member (#1396, #1052)'
    ],
    'consumer/rebalancing': [
      'a second member waits for the handler that is at work, and no message has two at once',
      'a second member goes on behind what was resolved, when a handler of the first one hangs',
      'a handler that keeps the event loop for twice the session timeout stays in its group, and its commit is accepted'
    ]
  },
  'one OffsetCommit after every batch, awaited': {
    'consumer/commit': [
      'autoCommit does not keep the next batch waiting, and one commit may be for several'
    ],
    'consumer/offsets': [
      'commitOffsetsIfNecessary() of one turn of the event loop travel in one request'
    ]
  },
  'a batch is one partition of one fetch': {
    'consumer/eachBatch': ['the payload has a batch of at most 2000 messages']
  },
  '`minBytes: 0` asks a broker that has nothing again and again, as fast as it answers': {
    'consumer/events': [
      'FETCH does not come again and again of a broker that has nothing, with minBytes 0'
    ]
  },
  'the next fetch of a broker waits for the handlers': {
    'consumer/events': ['FETCH_START does not wait for the handlers']
  },
  'the retry counter is never reset; a failing partition stops all': {
    'consumer/errors': [
      'a handler that fails keeps its partition back, and no other',
      'a handler that fails now and then, with success in between, never crashes'
    ]
  },
  'a slow partition keeps the others of its broker waiting, an assigned one that does not exist all of them':
    {
      'consumer/fetching': [
        'a handler that hangs keeps one partition back, and no other, of whichever broker'
      ],
      'consumer/membership': [
        'GROUP_JOIN may have a partition that does not exist: the others are consumed'
      ]
    },
  'out of range, `seek(-1)`, `seek(-2)` commit a literal -1 or -2': {
    'consumer/seek': ['-2 is the first message, -1 is behind the last; neither is ever committed']
  },
  'what `commitOffsets()` has committed is written over by the position that was looked up, and loses its metadata':
    {
      'consumer/commit': [
        'commitOffsets() before anything is handled is not undone by the position that was looked up, and keeps its metadata'
      ]
    },
  'checksums are not checked: what was damaged on the way is delivered, or an endless retry': {
    'consumer/damage': [
      'a flipped byte is fetched again, over other connections, and told',
      'a batch that is damaged costs nothing but time'
    ]
  },
  'log truncation (an unclean election) is not noticed: what is written at offsets that were read is never read':
    {
      'consumer/truncation': [
        'what is written at offsets that were read before the log was truncated is read, and the log says why',
        'a position behind the end of a truncated log goes back to that end, not to the beginning',
        'a committed offset whose record is gone is noticed'
      ]
    },
  '`stop()` in a handler never ends, and during a rejoin ends with it; before the first join it leaves a zombie':
    {
      'consumer/lifecycle': [
        'stop() of a consumer that is joining ends soon, and no member is left',
        'stop() of a consumer that is rejoining ends soon, and no member is left',
        'stop() of a consumer whom the group keeps waiting ends soon, and it never joins',
        'disconnect() of a consumer that is joining ends soon, and no member is left',
        'disconnect() of a consumer that is rejoining ends soon, and no member is left',
        'disconnect() of a consumer whom the group keeps waiting ends soon, and it never joins'
      ],
      'consumer/stop': [
        'stop() right after run() leaves no member behind, and nothing is handled',
        'stop() at any moment of the join leaves no member behind',
        'stop() called by a handler at once, and awaited there, ends',
        'stop() called by a handler after an await, and awaited there, ends',
        'stop() called by a handler in a chain of promises, and awaited there, ends',
        'stop() called by a handler beside others, and awaited there, ends',
        'stop() called by a handler that is compiled to a generator, and awaited there, ends',
        'stop() called by a handler in a callback, in a promise of its own making, and awaited there, ends',
        'stop() called by a handler where the program leaves frames out of its stacks, and awaited there, ends',
        'stop() where async contexts are tracked called by a handler in a callback, and awaited there, ends',
        'stop() where async contexts are tracked called by a handler that a tracer listens to, and awaited there, ends',
        'disconnect() at any moment of the join leaves no member behind',
        'disconnect() called by a handler at once, and awaited there, ends',
        'disconnect() called by a handler after an await, and awaited there, ends',
        'disconnect() called by a handler in a chain of promises, and awaited there, ends',
        'disconnect() called by a handler beside others, and awaited there, ends',
        'disconnect() called by a handler that is compiled to a generator, and awaited there, ends',
        'disconnect() called by a handler in a callback, in a promise of its own making, and awaited there, ends',
        'disconnect() called by a handler where the program leaves frames out of its stacks, and awaited there, ends',
        'disconnect() where async contexts are tracked called by a handler in a callback, and awaited there, ends',
        'disconnect() where async contexts are tracked called by a handler that a tracer listens to, and awaited there, ends'
      ],
      'consumer/process': [
        'stop() in a callback of an async handler, and awaited there, ends where nothing tracks contexts',
        'disconnect() in a callback of an async handler, and awaited there, ends where nothing tracks contexts'
      ]
    },
  '`stop()`, `disconnect()`, `seek()`, `resume()` wait for the long poll': {
    'consumer/stop': [
      'stop() of an idle consumer does not wait for the long poll',
      'disconnect() of an idle consumer does not wait for the long poll',
      'after the end run() goes on at once with what is left, although a broker holds a Fetch of the run before'
    ],
    'consumer/seek': ['wakes an idle consumer at once'],
    'consumer/pause': ['stops a topic, resume() wakes it at once']
  },
  '`disconnect()` ends nothing that is under way: `connect()`, `subscribe()` and `run()` go on behind it, or begin':
    {
      'consumer/stop': [
        'stop() before the first join has run() reject, and soon',
        'disconnect() before the first join has run() reject, and soon',
        'after the end disconnected, a consumer does nothing before connect()'
      ],
      'consumer/process': [
        'the program in README.md ends well while no broker answers',
        'the program in README.md ends well while it joins its group',
        'the program in docs/operating.md ends well while no broker answers',
        'the program in docs/operating.md ends well while it joins its group',
        'the program in docs/quick-start.md ends well while no broker answers',
        'the program in docs/quick-start.md ends well while it joins its group'
      ]
    },
  '`disconnect()` leaves the group': {
    'consumer/staticMembership': [
      'disconnect({ leaveGroup }) false leaves any member in it, until its session is over',
      'disconnect({ leaveGroup }) is true or false'
    ]
  },
  '`run()` while it stops is ignored; `connect()` right after `disconnect()` may fail': {
    'consumer/stop': [
      'after the end run() called while it stops waits for that',
      'after the end connect() and disconnect() in any order leave a consumer that works'
    ]
  },
  '`commitOffsets()` while joining or stopping resolves without committing': {
    'consumer/commit': [
      'commitOffsets() while joining waits for the join',
      'commitOffsets() while stopping commits before it leaves'
    ]
  },
  'a member that has to rejoin begins with each batch of its last fetch first': {
    'consumer/rebalancing': ['a second member does not wait for what else was fetched']
  },
  'a leader change makes every member rejoin': {
    'consumer/faults': ['a broker hands its partitions to others: nobody rejoins']
  },
  'each client looks for new partitions and leaders by itself': {
    'consumer/subscribe': [
      'a topic that grows is assigned anew as soon as another client of the same Kafka knows'
    ]
  },
  'a coordinator that moves, loads or freezes is a crash, or the end': {
    'consumer/faults': [
      'a broker that coordinates the group freezes: the group goes on with another',
      'a broker after the other restarts: nothing is lost'
    ]
  },
  'no broker answers any more: CRASH, again and again': {
    'consumer/outages': ['all brokers freeze and wake up']
  },
  'one topic of several that is deleted crashes the consumer, again and again (with `allowAutoTopicCreation: false`)':
    {
      'consumer/subscribe': ['a topic that is deleted takes no other with it'],
      'consumer/ownership': [
        'a topic that is gone while the group rebalances is read when it is made again, by name',
        'a topic that is gone while the group rebalances is read when it is made again, by RegExp',
        'a topic that does not exist keeps nobody waiting, and is assigned when it comes'
      ]
    },
  "a broker's unexpected error (`UNKNOWN`) for a topic that the leader assigns is the end": {
    'consumer/ownership': ['whoever assigns by an answer that tells of an error asks again']
  },
  'a listener that throws breaks the consumer, and makes `connect()` of a producer reject': {
    'consumer/errors': ['a listener that throws does not disturb the consumer'],
    'producer/lifecycle': ['a producer is not disturbed by a listener that throws']
  },
  'a logger that throws breaks the consumer; so does an error that the default logger has no JSON for (a BigInt in it, a circle)':
    {
      'consumer/failures': ['a logger that throws keeps nobody from going on']
    },
  'a handler that throws what nobody can look at (a symbol, a Proxy, an object without a prototype), or an error whose causes lead in a circle, leaves the consumer without CRASH':
    {
      'consumer/failures': [
        'what no retry mends a symbol, which is a mistake in the program too',
        'what no retry mends an object without a prototype, which is a mistake in the program too',
        'what no retry mends an object that throws when it is looked at, which is a mistake in the program too',
        'what no retry mends a mistake whose causes lead in a circle'
      ]
    },
  '`restartOnFailure` must return a promise': {
    'consumer/errors': ['too many failures ask a restartOnFailure that returns no promise']
  },
  '`stop()` and `disconnect()` in the middle of a crash do not keep it from restarting, `run()` makes a second member of it':
    {
      'consumer/lifecycle': [
        'stop() in the middle of a crash cancels the restart',
        'disconnect() in the middle of a crash cancels the restart',
        'run() instead of a restart makes one member, not two'
      ]
    },
  'round robin gives members topics that they do not subscribe': {
    'consumer/subscribe': ['members of a group with different topics get only their own']
  },
  'partitions that a topic gets which only other members than the leader subscribe are never read':
    {
      'consumer/ownership': ['a topic of other members that grows is assigned again by the leader']
    },
  "an assigner's `cluster` gives brokers that send any request": {
    'consumer/assigners': [
      'the cluster that an assigner gets has brokers that answer what assigners ask, and nothing else'
    ]
  },
  '"Failed to find group coordinator" hides why': {
    'consumer/authorization': ['a group that it may not join is named as the cause'],
    'consumer/faults': ['a connection says nothing any more: who asks is told what, where and when']
  },
  'an error of a mistake (an ACL that is missing, a broker without a port, an option by another name) says neither what nor which, or comes after the retries':
    {
      'consumer/mistakes': [
        'no ACL on the topic is told by name, and at once',
        'no ACL on the group is told by name, and at once',
        'no ACL on the group, which is described is told by name, and at once',
        'a listener that wants SASL is told by name, and at once',
        'a listener that has no SASL is told by name, and at once',
        'a mechanism that the listener does not offer is told by name, and at once',
        'a username by another name is told by name, and at once',
        "another certificate's key is told by name, and at once",
        'a key of another kind than the certificate is told by name, and at once',
        'a broker without a port is told by name, and at once',
        'a topic of a name that is none is told by name, and at once',
        'a sessionTimeout out of bounds is told by name, and at once',
        'a handler that throws undefined is told by name, and at once',
        'a CA whose line ends were lost in the environment is told by name, and at once',
        'a CA without line ends is told by name, and at once',
        'half of a CA is told by name, and at once',
        'a CA in base64 is told by name, and at once',
        'a keystore of Java for a CA is told by name, and at once',
        'no CA in the list is told by name, and at once',
        'a certificate that is none is told by name, and at once',
        'no provider of tokens is told by name, and at once',
        'a provider of tokens that is a text is told by name, and at once',
        'a provider of tokens that gives a text is told by name, and at once',
        'a provider of tokens that gives something else is told by name, and at once',
        'a provider of tokens that throws a text is told by name, and at once',
        'a token that has expired, or a clock that is wrong is told by name, and at once',
        'the port of a controller is told by name, and at once',
        'topics in one text is told by name, and at once',
        'a pattern in a text is told by name, and at once',
        'no assignor that the others have is told by name, and at once',
        'an assigner without methods is told by name, and at once',
        'an assigner that offers nothing is told by name, and at once',
        'an assigner that assigns nothing is told by name, and at once',
        'a dead-letter topic that is read is told by name, and at once',
        'a back-off that is no time is told by name, and at once',
        'a dead-letter topic that a pattern matches is left out, and told',
        'a dead-letter topic that cannot be made is told with the reason',
        'a partition to assign that there is not is told, and a topic that is made for it',
        'pause() of "partition" pauses all of the topic, as in kafkajs, and is told',
        'health() says that a transaction is open, which hides messages'
      ],
      'producer/mistakes': [
        'messages by another name',
        'a topic by another name',
        'a value by another name',
        'what nobody knows of a send() is told once, and what was consumed may be sent on',
        'no ACL on the topic',
        'no ACL to make a topic',
        'no ACL to number messages',
        'no ACL on the transactional id',
        'a topic that does not exist',
        'a partition that the topic does not have',
        'a name that no topic can have',
        "a name that no topic can have, for the program's partitioner",
        "a topic of the brokers' own",
        'no topic',
        'a topic that is an object',
        'no argument',
        'a text for an argument',
        'a list for an argument',
        'no argument of sendBatch()',
        'topicMessages that are an object',
        'no messages',
        'a message instead of a list',
        'a message that is a text',
        'a message without a value',
        'a message without a value that is no JSON',
        'a value that is a number',
        'a value that is an object',
        'a value that nobody has awaited',
        'a key that is a number',
        'a header that is a number',
        'headers that are a text',
        'a time that is a word',
        'a partition that is none',
        'a message that is too large',
        'a message without a key for a compacted topic',
        'a time that the topic does not take',
        'acks that there are not',
        'acks 1 of an idempotent producer',
        'a codec that nobody knows',
        'a level that the codec does not have',
        'a timeout with a unit',
        'a send before connect()',
        'a send behind disconnect()',
        'a send during disconnect()',
        'a partitioner that returns nothing',
        'a partitioner that returns NaN',
        'a partitioner that returns -1',
        'a partitioner that is async',
        'a partitioner that throws',
        'a partitioner that throws nothing',
        'nobody listens',
        'a broker that goes away',
        'a transaction without an id',
        'a transactionTimeout that the broker does not take',
        'a transaction in a transaction',
        'a send behind a commit',
        'a commit behind an abort',
        'a commit of what was refused',
        'a producer that another one has replaced',
        'sendOffsets() without a group',
        'sendOffsets() without topics',
        'sendOffsets() without an argument',
        'offsets that are no list',
        'offsets without partitions',
        'offsets of nothing',
        'no offset',
        'an offset that is none',
        'an offset of a partition that is none',
        'a consumer that is none',
        'a consumer that is no member yet',
        'of what makes a producer, it says at once a codec',
        'of what makes a producer, it says at once acks',
        'of what makes a producer, it says at once a time',
        'of what makes a producer, it says at once no time',
        'of what makes a producer, it says at once a partitioner by name',
        'of what makes a producer, it says at once a partitioner in its place',
        'of what makes a producer, it says at once no partitioner',
        'messages under another name are not sent, as in kafkajs, and the log says so',
        'messages of a transaction under another name are told, too',
        'offsets of a topic that there is not are waited for, and the log says which',
        "an error of the program's partitioner stays what it is, also one that cannot be changed",
        'a password is in no error and in no log'
      ],
      'admin/mistakes': [
        'without an ACL createTopics() says which',
        'without an ACL deleteTopics() says which',
        'without an ACL createPartitions() says which',
        'without an ACL fetchTopicMetadata() says which',
        'without an ACL fetchTopicOffsets() says which',
        'without an ACL describeConfigs of a topic() says which',
        'without an ACL describeConfigs of a broker() says which',
        'without an ACL incrementalAlterConfigs() says which',
        'without an ACL fetchOffsets() says which',
        'without an ACL setOffsets() says which',
        'without an ACL describeGroups() says which',
        'without an ACL deleteGroups() says which',
        'without an ACL groupLag() says which',
        'without an ACL deleteConsumerGroupOffsets() says which',
        'without an ACL createAcls() says which',
        'without an ACL describeAcls() says which',
        'without an ACL deleteAcls() says which',
        'without an ACL alterPartitionReassignments() says which',
        'without an ACL listPartitionReassignments() says which',
        'without an ACL electLeaders() says which',
        'without an ACL alterUserScramCredentials() says which',
        'without an ACL describeClientQuotas() says which',
        'without an ACL alterClientQuotas() says which',
        'without an ACL describeTransactions() says which',
        'with all of them the offsets of a topic that there is not',
        'with all of them the offsets at a time of a topic that there is not',
        'with all of them records of a topic that there is not',
        'with all of them metadata of a topic that there is not',
        'with all of them a topic that there is not, to delete',
        'with all of them partitions for a topic that there is not',
        'with all of them an offset for a topic that there is not',
        'with all of them settings of a topic that there is not',
        'with all of them a topic of a name that is none',
        'with all of them more replicas than brokers',
        'with all of them a setting that nobody knows',
        'with all of them fewer partitions',
        'with all of them a group that there is not',
        'with all of them records beyond the end'
      ],
      'admin/connecting': [
        'an authority that nobody trusts',
        'no authority',
        'another host',
        'another servername',
        'a certificate that has expired',
        'a certificate of the future',
        'no certificate where one is demanded',
        'no certificate where one is demanded, with TLS 1.2',
        'a certificate that the listener does not trust',
        'versions of TLS that have nothing in common',
        'TLS to a listener without it',
        'plain text to a listener with TLS',
        'SASL in plain text to a listener with TLS',
        'no SASL to a listener with it',
        'no SASL to a listener with it and TLS',
        'SASL to a listener without it',
        'a wrong password',
        'a wrong password, by SCRAM',
        'no Kafka',
        'no Kafka, and nobody who is known',
        'a proxy that has nobody behind it',
        'a proxy that drops',
        'a broker that drops a client with SASL',
        'nobody who answers',
        'nobody who answers in TLS',
        'nobody who listens',
        'a host that there is not',
        'a broker that answers ApiVersions and closes is taken for one with SASL only when it does so again',
        'a broker that answers ApiVersions and closes is taken for one with SASL and not by a client that it has served'
      ]
    },
  'while something does not come about (a coordinator, a topic, a leader, a broker at the name that the cluster gives it, the other members, the end of a handler), the log says nothing, or the same for each attempt':
    {
      'consumer/told': [
        'a coordinator that there cannot be is told again, with the setting',
        'a name of the cluster that cannot be reached is told once, and again',
        'a member for which there is no partition is told so, once',
        'a handler that disconnect() waits for is named',
        'a topic that does not exist is named',
        'a topic that a subscription creates is told',
        'a topic that a send creates is told, once',
        'a pattern that matches nothing, and a seek of a partition of nobody, are told'
      ]
    },
  'snappy, lz4, zstd need plugins': {
    'consumer/codecs': [
      'compressed with snappy 10000 messages of 12 partitions arrive complete and in order',
      'compressed with lz4 10000 messages of 12 partitions arrive complete and in order',
      'compressed with zstd 10000 messages of 12 partitions arrive complete and in order',
      'all codecs side by side in one partition, in any order, each batch by its own'
    ],
    'consumer/transactions': ['aborted messages are not handled (zstd)']
  },
  'compacted or empty batches stall or spin': {
    'consumer/compaction': ['a compacted topic is read to its end, over the gaps']
  },
  'interleaved aborted transactions leak': {
    'consumer/transactions': [
      'a key that looks like an abort marker is none',
      'of several producers at once, from the middle: all of them are known'
    ]
  },
  'offsets that a transaction is about to commit are overlooked': {
    'consumer/pains': ['offsets that a transaction is about to commit are waited for']
  },
  'control records and aborted messages at the end are not committed': {
    'consumer/offsets': ['a batch is committed although it was all aborted'],
    'consumer/transactions': [
      'what is aborted behind the last message is committed: no lag remains',
      'an open transaction that is aborted lets go of what is behind it, and only of that'
    ]
  },
  '`pause([{ topic, partitions }])` of a paused topic resumes the others': {
    'consumer/pause': ['of a topic, then resume() of one partition: all others stay paused']
  },
  '`pause()` and `seek()` ignore a partition that is a string; a batch that waits already gives one more message':
    {
      'consumer/pause': [
        'of a partition that is a string is one of that number',
        'of a partition whose messages wait already: none of them is handled'
      ],
      'consumer/positions': ['a seek to a partition that is a string is one to that number']
    },
  '`autoCommit` in `kafka.consumer()` is ignored; so is, without a word, an option that nobody knows':
    {
      'producer/validation': ['an option that nobody knows is one warning'],
      'consumer/configuration': [
        'autoCommit of the consumer is that of run()',
        'an option that nobody knows is warned of'
      ]
    },
  'something else in `partitionAssigners` than an assigner is a TypeError': {
    'consumer/configuration': ['an assigner may be named, and what is none is refused by name']
  },
  '`paused()` and `memberAssignment` sort 0, 1, 10, 2': {
    'consumer/pause': ['stops some partitions, and paused() names them in order']
  },
  "headers named `toString` or `__proto__` collide with Object's": {
    'consumer/consumeMessages': [
      'what a handler gets has headers: several of a name are an array, any name is a name'
    ],
    'consumer/payloads': ['a message has headers by the names of what every object has']
  },
  '`seek()` right before `stop()` is lost; what `seek()` commits is not told': {
    'consumer/positions': [
      'a seek right before stop() is committed',
      'a seek that is committed is told by COMMIT_OFFSETS'
    ]
  },
  "a message's `buffer` that is transferred, to a worker for instance, takes the messages beside it along":
    {
      'consumer/payloads': ['a message cannot take those beside it along to a worker']
    },
  '`batch.rawMessages` has what was filtered': {
    'consumer/eachBatch': ['the payload has a batch without what was filtered'],
    'consumer/offsets': ['a batch has no records but its messages']
  },
  '`eachBatch` that resolves nothing is called again at once, thousands of times a second': {
    'consumer/eachBatch': ['resolving of nothing does not make the handler spin']
  },
  "a crash waits for the other handlers' batches; a handler that fails during `stop()` crashes, and restarts":
    {
      'consumer/failures': [
        'on the way to CRASH the other handlers begin no further message',
        'on the way to CRASH a failure while the consumer stops is no crash'
      ]
    },
  'what brokers answer is logged as an error even if the client deals with it, or a call rejects with it':
    {
      'consumer/logs': ['a rebalance is told, and is no error'],
      'producer/validation': ['what a send rejects with is not logged as well']
    },
  'a value that is no offset or no partition counts as 0, or as another number, or is a SyntaxError':
    {
      'consumer/offsets': [
        'resolveOffset() of "NaN" is a mistake in the program',
        'commitOffsetsIfNecessary() of the offset "NaN" is refused by name',
        'a partition that is none is refused by name',
        'commitOffsetsIfNecessary() of the offset "-1" is refused by name',
        'commitOffsetsIfNecessary() of the offset "abc" is refused by name',
        'commitOffsetsIfNecessary() of the offset undefined is refused by name',
        'an offset that 64 bits do not hold is refused by name'
      ],
      'producer/transactions': ['refuses an offset or a partition that is none, by name']
    },
  '`socketFactory`': {
    'consumer/options': ['socketFactory is refused at once']
  },
  '`ssl`: anything of `tls.connect`': {
    'consumer/transport': [
      'what the engine cannot honour is refused at once, by name: secureContext',
      'what the engine cannot honour is refused at once, by name: crl',
      'what the engine cannot honour is refused at once, by name: localAddress',
      'what the engine cannot honour is refused at once, by name: timeout'
    ]
  },
  '`checkServerIdentity` that throws ends the process, that returns a promise refuses without a word; is called with `rejectUnauthorized: false`':
    {
      'consumer/serverIdentity': [
        'checkServerIdentity that returns a promise refuses the broker, and says why',
        'checkServerIdentity that throws refuses the broker with what it throws',
        'checkServerIdentity is not called without verification'
      ]
    },
  'IPv6 seeds do not work': {
    'consumer/options': ['a seed may be an IPv6 address']
  },
  '`NODE_ENV=test` changes retries; `sasl` is written to': {
    'consumer/sasl': [
      'plain leaves the options as they were',
      'scram-sha-256 leaves the options as they were',
      'scram-sha-512 leaves the options as they were'
    ]
  },
  '`subscribe` to a topic that is being created fails': {
    'consumer/subscribe': ['a topic that is missing is created'],
    'consumer/topicIds': ['so are those of a topic that is being created']
  },
  'a `subscribe()` that rejects has subscribed nevertheless': {
    'consumer/lifecycle': ['subscribe() that rejects subscribes to nothing']
  },
  'a RegExp with `g` or `y` misses topics; topics that come later never join': {
    'consumer/subscribe': [
      'patterns match them with flags that keep a state, too',
      'patterns new topics that match join at the next metadata refresh',
      'patterns a topic that is deleted keeps no other out, and is not made again (allowAutoTopicCreation: true)',
      'patterns a topic that is deleted keeps no other out, and is not made again (allowAutoTopicCreation: false)',
      'patterns may match nothing at first'
    ]
  },
  '`rebalanceTimeout: 0`': {
    'consumer/options': ['rebalanceTimeout: 0 is refused: no member could ever join']
  },
  "a text, a number or a list in the place of an object counts as one without options: `admin.fetchTopicMetadata('orders')` tells of all topics":
    {
      'admin/topics': ['listTopics(), fetchTopicMetadata() refuse a text for an object']
    },
  "an option that should be a number and is none (`'5 s'`) is taken": {
    'consumer/options': ['a number that is none is refused by name']
  },
  "a number or a list that nothing works with (`maxInFlightRequests: 0`, `partitionAssigners: []`) hangs or crashes; `'false'` counts as true, and any `logLevel` that is a text as DEBUG":
    {
      'consumer/options': [
        'a number that nothing could work with is refused by name',
        'what counts as something else than it says is warned of, and a logLevel may be named'
      ],
      'consumer/assigners': ['several assigners are at least one']
    },
  '`partitionsConsumedConcurrently: 0` hangs': {
    'consumer/options': [
      'partitionsConsumedConcurrently: 0 is refused by run()',
      'partitionsConsumedConcurrently: -1 is refused by run()',
      'partitionsConsumedConcurrently: 1.5 is refused by run()'
    ]
  },
  '`kafka.consumer({})`, without a `groupId`, throws': {
    'consumer/assign': ['without a group refuses what needs a group, by name']
  },
  '`run()` without a handler reads the same messages a thousand times a second': {
    'consumer/options': ['run() without a handler makes a member that reads nothing']
  },
  '`ssl.ca` without a certificate in it is ignored': {
    'consumer/transport': [
      'material that cannot be used is refused by name, before anything is connected: a ca that is none',
      'material that cannot be used is refused by name, before anything is connected: a certificate without its key',
      "material that cannot be used is refused by name, before anything is connected: a certificate with another's key",
      'a client certificate whose passphrase is wrong is refused, without a word of it'
    ]
  },
  "an untrusted certificate, plain text to a TLS port, TLS to a plain one: Node's words, or `Closed connection`":
    {
      'consumer/transport': [
        'a listener with TLS of a private authority is not trusted by `ssl: true`, which says what to do',
        'a listener of the other kind with TLS, spoken to in plain text, is recognised',
        'a listener of the other kind without TLS, greeted with TLS, is recognised'
      ]
    },
  'without `sasl`, `connect()` to a listener with SASL succeeds, and the next request fails': {
    'consumer/sasl': ['a listener with SASL closes on those without, and the log has a guess']
  },
  'calls that are not awaited are written in any order, retries too': {
    'producer/produceMessages': [
      'send() answers a row for each partition, with the offset of its own first message there',
      'send() keeps the order of calls that nobody has awaited'
    ]
  },
  'each call is a request for each leader': {
    'producer/lifecycle': ['a producer shares a turn among all that is sent in it']
  },
  '`idempotent` is off unless asked for': {
    'producer/lifecycle': [
      'a producer is numbered where the brokers allow it, unless it is told not to'
    ]
  },
  'a message for a partition that does not exist is dropped, and `send` resolves': {
    'producer/validation': [
      'what kafkajs sends, or trips over a partition that the topic does not have rejects, and says which',
      'what kafkajs sends, or trips over a partition that is none is refused by name',
      'what kafkajs sends, or trips over a partition that is no number is refused by name'
    ]
  },
  'a `send` that rejects does not say whether its messages may be in the log': {
    'producer/doubts': ['a send that rejects says whether its messages may be written']
  },
  'one topic that does not exist makes every later `send` fail': {
    'producer/validation': [
      'a topic that does not exist rejects with its name, and the others go on'
    ]
  },
  "numbers, objects and other values go out damaged, or are a TypeError of Node's": {
    'producer/produceMessages': [
      'send() takes other bytes than Buffers, header values that are null, timestamps that are numbers or Dates'
    ],
    'producer/validation': [
      'before it is connected topicMessages that are no list are refused by name',
      'what kafkajs sends, or trips over messages that are a string is refused by name',
      'what kafkajs sends, or trips over a message that is null is refused by name',
      'what kafkajs sends, or trips over a value that is a number is refused by name',
      'what kafkajs sends, or trips over a key that is an object is refused by name',
      'what kafkajs sends, or trips over a header that is a number is refused by name',
      'what kafkajs sends, or trips over headers that are a string is refused by name',
      'what kafkajs sends, or trips over headers that are a Map is refused by name',
      'what kafkajs sends, or trips over headers that are a list of pairs is refused by name',
      'what kafkajs sends, or trips over a time that is a text is refused by name',
      'what kafkajs sends, or trips over a time that is NaN is refused by name'
    ]
  },
  '`acks: 2` and the like, an unknown codec': {
    'producer/validation': [
      'what kafkajs sends, or trips over acks 2 is refused by name',
      'what kafkajs sends, or trips over a codec that is none is refused by name'
    ]
  },
  'snappy, lz4, zstd need plugins to be written': {
    'producer/produceMessages': [
      'compression Snappy is read by Java',
      'compression LZ4 is read by Java',
      'compression ZSTD is read by Java'
    ]
  },
  'a custom partitioner is called at each attempt, in any order; what it returns is not looked at':
    {
      'producer/produceMessages': [
        "partitioners of the program's gets topic, partitions and message, in order, once each",
        'partitioners of the program that throws, or returns no partition, rejects the send'
      ]
    },
  '`disconnect()` does not wait for what is being sent, which goes on behind it and may be written twice':
    {
      'producer/lifecycle': ['a producer writes at disconnect() what was sent before it']
    },
  'a `send` that fails in a transaction leaves it open, and `commit()` commits the rest': {
    'producer/transactions': [
      'behind an error only an abort is left, and then the next transaction'
    ]
  },
  'an error that ends a transaction ends a consumer whose handler throws it, too': {
    'producer/doubts': [
      'consume, transform, produce what an abort mends is done again: its error is one that a handler may throw'
    ]
  },
  '`commit()` does not wait for sends that are not awaited: some are committed, others reject': {
    'producer/transactions': ['commit() waits for what was sent and not awaited']
  },
  '`commit()` and `abort()` are one request: when it fails, no transaction of this producer begins any more':
    {
      'producer/transactions': [
        'a producer that was replaced is refused, for good',
        'a transaction that took longer than transactionTimeout rejects at send(), can only be aborted, and the next one goes on',
        'a transaction that took longer than transactionTimeout rejects at commit(), can only be aborted, and the next one goes on'
      ],
      'producer/transactionsV1': ['a commit survives its coordinator (kill9)']
    },
  'a transaction right behind another one rejects now and then (`CONCURRENT_TRANSACTIONS`), because the brokers are not done with that':
    {
      'producer/transactions': [
        'one right behind another waits until the brokers are done with that'
      ]
    },
  'a second `transaction()` before the first has begun fences the first: its messages reject': {
    'producer/transactions': ['two calls at once begin one transaction']
  },
  '`disconnect()` leaves an open transaction to `transactionTimeout`: readers of committed messages wait for it':
    {
      'producer/transactions': ['disconnect() aborts what is open: its readers do not wait']
    },
  '`sendOffsets` commits for a group as nobody: what a member that was replaced has read counts': {
    'producer/transactions': [
      'consume, transform, produce: what is committed is not uncommitted, and a zombie is refused'
    ]
  },
  '`compressionLevel`': {
    'producer/produceMessages': ['compression has levels, and goes by its name']
  },
  '`flush()`, `isConnected()`, `await using`': {
    'producer/lifecycle': [
      'a producer flush() waits for what was sent, and no linger does',
      'a producer is disposed of by await using'
    ]
  },
  '`for await (const message of consumer)`': {
    'admin/connecting': [
      'a consumer that is pulled a value that is no JSON',
      'a consumer that is pulled values that are no JSON',
      'a consumer that is pulled a pull of one that is pushed',
      'a consumer that is pulled a push of one that is pulled',
      'a consumer that is pulled two pulls at once',
      'a consumer that is pulled subscribe() behind assign()',
      'a consumer that is pulled assign() behind subscribe()',
      'a consumer that is pulled an assignment that is a text',
      'a consumer that is pulled an assignment of whole topics',
      'a consumer that is pulled a number for the options of getMany()',
      'a consumer that is pulled null for the options of getOne()',
      'a consumer that is pulled no records',
      'a consumer that is pulled a time with a unit',
      'a consumer that is pulled partitions that are a text',
      'a consumer that is pulled a pull behind disconnect()'
    ],
    'consumer/pull': [
      'getOne() has a message, with topic and partition, in order',
      'getOne() counts a message as handled when the next is asked for',
      'getOne() is null when none comes in time, and waits for one that comes',
      'getOne() asks only for the partitions that are named',
      'getOne() asks for one of many partitions, also when all the others have messages that nobody asks for',
      'getOne() is asked one at a time',
      'getMany() has what there is, by partition',
      'getMany() has at most maxRecords, counts them as handled when the next are asked for, and none in time',
      'getMany() asks only for the partitions that are named',
      'for await has one message after the other, and leaves when the loop breaks',
      'for await that throws has committed what came before',
      'for await that `await using` ends has committed what was handled',
      'for await ends with disconnect()',
      'for await ends with stop() in its body, which waits for that',
      'for await ends with stop() in its body, which does not wait for that',
      'for await ends with disconnect() in its body, which waits for that',
      'for await ends with disconnect() in its body, which does not wait for that',
      'for await begins again after stop()',
      'for await lets the event loop turn',
      'for await rejects with what ends the consumer for good',
      'streams a Readable reads no message ahead of its reader',
      'streams a Readable that is destroyed has committed what came before the message in hand',
      'streams a Readable may be a pipeline’s source',
      'streams a Web stream has the same messages',
      'who ends while he waits for messages a Readable: takes no message with him, and the consumer may be asked again',
      'who ends while he waits for messages a Readable: while the group is joined',
      'who ends while he waits for messages a Web stream: takes no message with him, and the consumer may be asked again',
      'who ends while he waits for messages a Web stream: while the group is joined',
      'who ends while he waits for messages an iterator: takes no message with him, and the consumer may be asked again',
      'who ends while he waits for messages an iterator: while the group is joined',
      'who ends while he waits for messages an iterator that has ended has no more messages',
      'a consumer is either pushed or pulled',
      'a consumer that is pulled shares its group, and goes on when others come and go',
      'a consumer that waits for one partition gives the others up at once',
      'a consumer works by the protocol of KIP-848 as well',
      'a consumer seeks, and pauses, while it is pulled'
    ]
  },
  '`consumer.assignment()`, `consumer.subscription()`': {
    'consumer/assign': [
      'without a group reads what is assigned, from where it is told, and asks no coordinator',
      'without a group begins at the end, or at a time',
      'without a group may be pushed as well',
      'without a group reads a partition that is named twice once, from the later of the places',
      'without a group knows what is assigned, and where it was sought to, before it reads',
      'without a group goes on where it is sought to when it crashes, by restartOnFailure',
      'without a group goes on where it is sought to when it crashes, by CRASH',
      'without a group takes others while it runs, and those that stay go on',
      'without a group reads nothing any more of what is taken away while others go',
      'without a group counts calls in their order, also when one has to look up where to begin',
      'without a group counts no call that was before the end of the assignment',
      'without a group is refused while a group is joined, and goes behind unsubscribe()',
      'without a group what comes back has all its tries again',
      'without a group disconnect() waits for a handler that hangs no longer than in a group',
      'without a group subscribes when it has a group and nothing is assigned any more',
      'with a group assign() begins where the group has committed, and commits by itself',
      'with a group begins there by name as well, and elsewhere where that is asked for',
      'positions are known, and how far they are from the end, without asking',
      'positions leader epochs are known, committed, and answered',
      'positions beginning, end, committed and by time are asked',
      'positions seek to the beginning, to the end, and to a time'
    ],
    'consumer/transactions': [
      'the lag is that of what may be read: an open transaction ends it, unless what is not committed is read'
    ]
  },
  'a session shorter than `reauthenticationThreshold` stalls the consumer': {
    'consumer/reauthentication': [
      'with scram512: the connections stay, nothing is lost, nobody rejoins'
    ]
  },
  'credentials of another principal for a session that goes on (roles of AWS) crash the consumer, and what is sent meanwhile rejects':
    {
      'issues/principals': [
        'a principal that is another one at each authentication costs connections, and nothing else'
      ]
    },
  'OAUTHBEARER: a refused token is ignored': {
    'consumer/sasl': [
      'oauthbearer rejects connect() at once when the broker refuses the token, and says what the broker said'
    ]
  },
  'a broker that is silent during SASL has refused, for good; an `oauthBearerProvider` that is silent holds everything up for ever':
    {
      'consumer/sasl': [
        'oauthbearer whose provider does not answer is a connection timeout after authenticationTimeout',
        'oauthbearer to which the broker does not answer is tried again'
      ]
    },
  'two sockets per broker': {
    'consumer/fewConnections': [
      'a consumer with 1 of them reads, stays a member, and seeks without waiting for the long poll'
    ],
    'consumer/sasl': ['oauthbearer asks for a token at every authentication, and never tells it']
  },
  // Admin client
  'only a moved controller is tried again, and not by `createTopics`; a lost connection or a moved leader rejects':
    {
      'admin/faults': [
        'a controller that has moved is looked up again',
        'a coordinator that has moved is looked up again',
        'records are deleted although the connection breaks',
        'topics are listed although the connection has broken since the last call',
        'what a lost answer has done counts as done createTopics()',
        'what a lost answer has done counts as done deleteTopics()',
        'what a lost answer has done counts as done createPartitions()',
        'what a lost answer has done counts as done deleteGroups()',
        'what a lost answer has done counts as done deleteConsumerGroupOffsets()',
        'what a lost answer has done counts as done removeMembersFromConsumerGroup()',
        'what a lost answer has done counts as done setOffsets()',
        'what a lost answer has done counts as done deleteTopicRecords()',
        'what a lost answer has done counts as done incrementalAlterConfigs()',
        'what a lost answer has done counts as done createAcls()',
        'what a lost answer has done counts as done deleteAcls()',
        'what a lost answer has done counts as done alterUserScramCredentials()',
        'what a lost answer has done counts as done alterClientQuotas()',
        'what a lost answer has done counts as done abortTransaction()',
        'what a lost answer has done counts as done an end of a reassignment',
        'what a lost answer has done counts as done but not where the attempt before was only to check',
        'what a lost answer has done counts as done and not where fewer partitions were asked for than there are'
      ]
    },
  '`createTopics` asks for all topics, and rejects when another one has no leader': {
    'admin/faults': ['other topics do not keep a new one from being made']
  },
  'errors of topics do not say which': {
    'admin/topics': [
      'createTopics() has the words of the broker beside its own',
      'createPartitions() names the topic'
    ],
    'admin/configs': ['alterConfigs() names the topic, and has the words of the broker']
  },
  '`createTopics` with a `replicaAssignment` rejects where `numPartitions` or `replicationFactor` is beside it':
    {
      'admin/topics': ['createTopics() takes an assignment, whatever numbers are beside it']
    },
  "replicas that are texts (`'1'`) make a broker close the connection": {
    'admin/topics': ['createTopics() takes numbers that come from the environment, as text']
  },
  '`createTopics({ validateOnly: true })` waits for leaders of topics that it has not made, and rejects':
    {
      'admin/topics': ['createTopics() waits for no leaders of what it only validates']
    },
  '`deleteTopics` of a topic that does not exist tries for ten seconds': {
    'admin/topics': [
      'deleteTopics() rejects at once when one does not exist, and names it; the others are gone'
    ]
  },
  '`deleteTopics` of one that is named twice rejects (INVALID_REQUEST)': {
    'admin/topics': ['deleteTopics() deletes once what is named twice']
  },
  '`alterConfigs` that names a resource twice is not answered, and times out': {
    'admin/configs': [
      'alterConfigs() refuses a resource that is named twice, which no broker answers'
    ]
  },
  '`deleteTopicRecords` rejects on a client that has not met the topic': {
    'admin/partitions': ['deleteTopicRecords() works on a client that has not met the topic']
  },
  'no `incrementalAlterConfigs`, `listOffsets`, `electLeaders`, `describeLogDirs`, `describeFeatures`, and no end of a reassignment':
    {
      'admin/configs': [
        'describeConfigs() tells what a config is for',
        'incrementalAlterConfigs() changes what is named, and nothing else',
        'incrementalAlterConfigs() refuses an operation that there is not, by name'
      ],
      'admin/partitions': [
        'listOffsets() finds places and times, of any partitions, and names what is wrong with one',
        'listOffsets() has several places of a partition, which no broker tells in one answer',
        'listOffsets() asks the broker for earliest',
        'listOffsets() asks the broker for latest',
        'listOffsets() asks the broker for earliestLocal',
        'listOffsets() asks the broker for latestTiered',
        'listOffsets() asks the broker for earliestPendingUpload',
        'listOffsets() refuses what is no time',
        'describeLogDirs() tells how large partitions are, and which broker does not exist'
      ],
      'admin/releases': [
        'as Kafka 2.1',
        'as Kafka 2.4',
        'as Kafka 2.8',
        'as Kafka 3.3',
        'as Kafka 3.9'
      ],
      'admin/cluster': [
        'tells of brokers and features more than kafkajs',
        'with a broker that is down a move to it is listed and can be ended, its leaders come back by election, and it is named',
        'elects nobody in a topic that does not exist, and names it'
      ]
    },
  '`describeGroups` and `deleteGroups` answer in any order': {
    'admin/groups': ['describeGroups() keeps the order, as deleteGroups() does']
  },
  '`listGroups` of a cluster in which one broker does not answer has nothing': {
    'admin/cluster': [
      'lists no groups while a broker that has some does not answer, and says which the others have'
    ]
  },
  'a group of KIP-848, of Kafka Streams and a share group look `Dead`': {
    'admin/groups': [
      'describeGroups() tells of a group of KIP-848 in the same words, with its epochs',
      'describeGroups() tells of a share group',
      'describeGroups() tells of a group of Kafka Streams, its program, its tasks and what they read'
    ]
  },
  '`setOffsets` and `resetOffsets` join the group, five seconds each; what they do not know, a partition or `metadata`, is left out':
    {
      'admin/offsets': [
        'setOffsets() commits numbers and texts, with metadata',
        'setOffsets() does not wait for a rebalance, and leaves no member behind',
        'setOffsets() refuses a group with members: classic',
        'setOffsets() refuses a group with members: consumer',
        'setOffsets() rejects for a partition and for a topic that do not exist, and names them',
        'setOffsets() refuses {"groupId":"g","topic":"unmade","partitions":[{"partition":0,"offset":-3}]}',
        'setOffsets() refuses {"groupId":"g","topic":"t","partitions":[{"partition":0,"offset":"x"}]}',
        'setOffsets() refuses {"groupId":"g","topic":"t","partitions":[{"partition":"x","offset":1}]}'
      ]
    },
  'no states and types of groups, no `groupLag`, `deleteConsumerGroupOffsets`, `removeMembersFromConsumerGroup`, SCRAM users, quotas, transactions':
    {
      'admin/groups': [
        'listGroups() tells state and type, and lists by them',
        'describeGroups() tells of a classic group what kafkajs tells',
        'deleteGroups() names those that it could not delete, and deletes the others',
        'removeMembersFromConsumerGroup() sends a static member away: classic',
        'removeMembersFromConsumerGroup() sends a static member away: consumer',
        'asks for a thousand groups in one round of requests'
      ],
      'admin/offsets': [
        'resetOffsets() and fetchOffsets() commit numbers when asked to',
        'resetOffsets() and fetchOffsets() take several groups at once',
        'resetOffsets() and fetchOffsets() reject for a topic that does not exist',
        'deleteConsumerGroupOffsets() forgets, except where members read',
        'deleteConsumerGroupOffsets() rejects for a group that does not exist',
        'groupLag() tells who has what and how far it is behind: classic',
        'groupLag() tells who has what and how far it is behind: consumer',
        'groupLag() tells what the command-line tool of Kafka tells',
        'groupLag() is empty for a group that nobody knows'
      ],
      'admin/transactions': [
        'an open one is listed, described and found where it has written',
        'one that hangs is aborted in its partition, and does not hold readers back any more',
        'refuses to abort {"topic":""}',
        'refuses to abort {"topic":"t","partition":"x"}',
        'refuses to abort {"topic":"t","partition":0}',
        'one that nobody knows is an error that names it'
      ],
      'admin/security': [
        'ACLs are written, hold their user to them, and are read as kafkajs reads them',
        'ACLs that make no sense are refused by the broker, and named',
        'ACLs an admin client that may not is told so',
        'users of SCRAM get passwords, log in by them, and lose them: 1',
        'users of SCRAM get passwords, log in by them, and lose them: 2',
        'users of SCRAM that have nothing to lose are an error that names them',
        'users of SCRAM are refused without their passwords: 0',
        'users of SCRAM are refused without their passwords: 1',
        'users of SCRAM are refused without their passwords: 2',
        'users of SCRAM are refused without their passwords: 3',
        'quotas are set, seen by the command-line tool, read and removed',
        'quotas have defaults, and are only checked when that is asked for',
        'quotas that the broker does not know are an error that names whose they are'
      ]
    }
}
