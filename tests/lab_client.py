"""A stand-in for the client that the lab hands out: it ends no line, and answers a bare ``alias?`` by itself.

Run it as ``python lab_client.py HOST PORT``. Its habits are the point: do not mend them.
"""

import contextlib
import socket
import sys
import threading

alias = input("Choose an alias >>> ")
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect((sys.argv[1], int(sys.argv[2])))


def receive():
    while True:
        try:
            message = client.recv(1024).decode("utf-8")
            if message == "alias?":
                client.send(alias.encode("utf-8"))
            elif message:
                print(message)
            else:
                break
        except Exception:
            print("Error!")
            break
    client.close()


def send():
    while True:
        message = f"{alias}: {input('')}"
        client.send(message.encode("utf-8"))


threading.Thread(target=receive, daemon=True).start()
with contextlib.suppress(EOFError, OSError):
    send()
