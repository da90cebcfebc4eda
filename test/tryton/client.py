"""Tryton's API as its clients use it, and the functions beside it."""

import base64
import json
import os
import xmlrpc.client
from urllib.request import Request, urlopen

import psycopg2

URL = os.environ["TRYTON_URL"]
PASSWORD = os.environ["TRYTON_PASSWORD"]

# What Tryton's ConcurrencyException is to a client.
CONCURRENCY = 4


def session_header(login):
    """A session, as Tryton's own client begins one: the password is asked once."""
    body = {"id": 1, "method": "common.db.login", "params": [login, {"password": PASSWORD}, "en"]}
    with urlopen(Request(URL, json.dumps(body).encode(), {"Content-Type": "application/json"})) as answer:
        user, session = json.load(answer)["result"]
    return "Authorization", "Session " + base64.b64encode(f"{login}:{user}:{session}".encode()).decode()


class TrytonUser:
    def __init__(self, login):
        self.server = xmlrpc.client.ServerProxy(URL, allow_none=True, use_builtin_types=True,
                                                headers=[session_header(login)])
        self.context = self.server.model.res.user.get_preferences(True, {})

    def call(self, model, method, *arguments, timestamp=None):
        context = self.context | ({"_timestamp": timestamp} if timestamp else {})
        return getattr(self.server, f"model.{model}.{method}")(*arguments, context)

    def read(self, model, key, field):
        """The field, and what a write of what was read is sent with."""
        record, = self.call(model, "read", [key], [field, "_timestamp"])
        return record[field], {f"{model},{key}": record["_timestamp"]}

    def write(self, model, key, values, timestamp):
        self.call(model, "write", [key], values, timestamp=timestamp)


def connect(role="TRYTON_CRM"):
    connection = psycopg2.connect(os.environ[role])
    connection.autocommit = True
    return connection


def row(connection, statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def column(connection, statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [value for value, in cursor]
