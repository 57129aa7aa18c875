#!/usr/bin/env python3
"""An AWS account on loopback for the oracle: moto in this process, and the states that its API cannot reach.

usage: python3 account PORT

Seeds account 123456789012, prints "ready URL" and serves until standard input ends. Each line of standard input names
a scenario: another state of what there is one of in an account. Once it is in force, "done NAME" is printed. What the
scanner must say of the account stands in expected/ and, for scenarios, in scenarios.tsv. Nothing here is taken from
the scanner or its demo account.

moto is not AWS. Where an answer of moto would mislead, a function named like_aws mends it and says how AWS answers.
"""
import logging
import sys

import common
import buckets
import certificates
import compute
import databases
import functions
import guards
import identities
import keys
import logs
import network
import parameters
import queues
import stacks
import topics
import trails
import vault
from moto.server import ThreadedMotoServer

# What others name comes first.
PARTS = (keys, identities, queues, topics, logs, parameters, vault, certificates, stacks, buckets, trails, compute, network, databases, functions, guards)


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or there is a line for each request
    for part in PARTS:
        if hasattr(part, "like_aws"):
            part.like_aws()
    ThreadedMotoServer(ip_address="127.0.0.1", port=common.PORT, verbose=False).start()
    for part in PARTS:
        part.seed()
    keys.of_aws()
    print("ready", common.ENDPOINT, flush=True)
    for line in sys.stdin:  # ends with the test, however that ends
        name = line.strip()
        service, _, state = name.partition(" ")
        next(part for part in PARTS if part.__name__ == service).scenario(state)
        print("done", name, flush=True)


if __name__ == "__main__":
    main()
