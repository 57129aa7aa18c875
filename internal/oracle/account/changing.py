#!/usr/bin/env python3
"""An AWS account on loopback that has nothing yet, and changes while it is watched.

usage: python3 account/changing.py PORT

Prints "ready URL" and serves until standard input ends. Each line of standard input is a call in JSON: [SERVICE, REGION,
OPERATION, PARAMETERS], as boto3 has them. What comes of it is printed as "done JSON".
"""
import json
import logging
import sys

import common
import buckets
import queues
from moto.server import ThreadedMotoServer


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or there is a line for each request
    buckets.like_aws()
    queues.like_aws()
    ThreadedMotoServer(ip_address="127.0.0.1", port=common.PORT, verbose=False).start()
    print("ready", common.ENDPOINT, flush=True)
    for line in sys.stdin:  # ends with the test, however that ends
        service, region, operation, parameters = json.loads(line)
        answer = getattr(common.client(service, region), operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        print("done", json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
