"""A member that is librdkafka, by its Python binding (`pip install confluent-kafka`). See `member.js`: the language is the same.

Argument: a JSON object { "config": librdkafka's settings, "topic": name }.
"""

import json
import os
import signal
import sys
import threading
import time

from confluent_kafka import Consumer

settings = json.loads(sys.argv[1])
topic = settings["topic"]
state = {"joining": False, "running": True, "slow": 0.0}


def now():
    return int(time.time() * 1000)


def tell(name, **fields):
    line = json.dumps({"timestamp": now(), "name": name, **fields}) + "\n"
    os.write(1, line.encode())


def named(partitions):
    return [{"topic": topic, "partition": each.partition} for each in partitions]


def assigned(_, partitions):
    tell("partitions_assigned", partitions=named(partitions))


def revoked(_, partitions):
    tell("partitions_revoked", partitions=named(partitions))


def obey():
    for line in sys.stdin:
        name, *arguments = line.split()
        if name == "join":
            state["joining"] = True
        if name == "slow":
            state["slow"] = int(arguments[0]) / 1000
    # Nobody is left to be told.
    os._exit(1)


def stop(*_):
    state["running"] = False


signal.signal(signal.SIGTERM, stop)
threading.Thread(target=obey, daemon=True).start()
consumer = Consumer(settings["config"])
tell("startup_complete")
subscribed = False
while state["running"]:
    if not state["joining"]:
        time.sleep(0.005)
        continue
    if not subscribed:
        consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked, on_lost=revoked)
        subscribed = True
    message = consumer.poll(0.1)
    if message is None:
        continue
    if message.error():
        sys.stderr.write(str(message.error()) + "\n")
        if message.error().fatal():
            os._exit(1)
        continue
    began = now()
    seconds, state["slow"] = state["slow"], 0.0
    time.sleep(seconds)
    tell("record_data", partition=message.partition(), offset=message.offset(), began=began)
consumer.close()
tell("shutdown_complete")
