"""opa_peer.py SERVER CASES: asks a running Open Policy Agent for every case through its Data API."""

import http.client
import json
import sys
import time
from urllib.parse import urlsplit

from decisions import cases, number, verdict


def connect(address):
    """Waits until the server has loaded its bundle."""
    for _ in range(300):
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            connection.request("GET", "/health?bundles")
            response = connection.getresponse()
            response.read()
            if response.status == 200:
                return connection
        except OSError:
            pass
        connection.close()
        time.sleep(0.1)
    sys.exit("the server did not start within 30 s")


def ask(connection, case):
    path = "/v1/data/" + case["package"].replace(".", "/") + "/decision"
    connection.request("POST", path, json.dumps({"input": case["input"]}), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read(), parse_float=number)
    # An undefined decision has no result; an error has another status. Neither is a decision.
    return answer.get("result") if response.status == 200 else None


def main(server, path):
    connection = connect(urlsplit(server).netloc)
    return verdict((case, ask(connection, case)) for case in cases(path))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
