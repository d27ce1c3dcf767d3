"""The daemon with its registry in PostgreSQL over TCP: whom it trusts, what it shows of itself, and its secrets."""
import pathlib
import shutil
import socket
import subprocess
import urllib.parse

import pytest

from authority import Authority
from client import eventually
from daemon import binary
from postgres import running_postgres

SECRET = "pa:ss w@rd&"
ENCODED = urllib.parse.quote(SECRET, safe="")
PATIENT = ("--set", "postgres.connect_timeout=10s", "--set", "postgres.request_timeout=10s")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as picked:
        return picked.getsockname()[1]


@pytest.fixture(scope="module")
def postgres(authority, tmp_path_factory):
    tls = tmp_path_factory.mktemp("postgres-tls")
    cert, key = authority.certify("database", names="DNS:localhost")
    for file, name in ((cert, "server.pem"), (key, "server.key"), (authority.cert, "ca.pem")):
        shutil.copy(file, tls / name)
    with running_postgres(tls=tls, port=free_port()) as running:
        running.ask("REVOKE ALL ON DATABASE postgres FROM PUBLIC")
        running.ask(f"CREATE ROLE keeper LOGIN PASSWORD '{SECRET}'")
        running.ask("GRANT CONNECT ON DATABASE postgres TO keeper, certified")
        yield running


@pytest.fixture
def schema(postgres, request):
    """Of the test's own, and owned by a role that may do nothing else."""
    name = request.node.originalname[:48]
    owner = "certified" if "client" in name else "keeper"
    postgres.ask(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    postgres.ask(f"CREATE SCHEMA {name} AUTHORIZATION {owner}")
    return name


@pytest.fixture
def connection(postgres, authority):
    """As libpq's keywords and values; those that are None are left out."""
    def text(**changes):
        words = {"host": "localhost", "port": postgres.port, "user": "keeper", "dbname": "postgres",
                 "sslmode": "verify-full", "sslrootcert": authority.cert} | changes
        return " ".join(f"{word}='{value}'" for word, value in words.items() if value is not None)
    return text


def refused(schema, store, **environment):
    """What a daemon says that doesn't start."""
    done = subprocess.run([binary(), "serve", "--http", "127.0.0.1:0", "--socket", "off", "--set",
                           f"postgres.schema={schema}", *PATIENT], env={"ROLLCALL_STORE": store} | environment,
                          timeout=60, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert SECRET not in done.stderr + done.stdout and ENCODED not in done.stderr + done.stdout
    last = done.stderr.splitlines()[-1]
    assert last.startswith("rollcall: store PostgreSQL: "), done.stderr
    return last


def register(client, name, expect=201):
    answer = client.put(f"/services/kept/instances/{name}", {"address": "10.0.0.1", "port": 80, "ttl": 600})
    assert answer.status == expect, answer.body
    return answer


def all_encrypted(postgres, user):
    """All of the daemon's sessions: one writes, one listens, one meets other nodes, one exchanges samples with them."""
    return postgres.ask("SELECT bool_and(ssl) AND count(*) = 4 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                        f"WHERE usename = '{user}'") == "t"


def test_what_is_written_and_what_is_listened_to_are_encrypted(postgres, schema, connection, start):
    daemon = start("--set", f"postgres.schema={schema}", *PATIENT,
                   environment={"ROLLCALL_STORE": connection(password=SECRET)})
    with daemon.client() as client:
        register(client, "a")
        eventually(lambda: all_encrypted(postgres, "keeper"), within_s=20)
        postgres("kill")
        register(client, "b", expect=503)
        postgres("up")
        eventually(lambda: client.get("/health").status == 200, within_s=20)
        register(client, "b")
        eventually(lambda: "what other nodes write is heard of again" in daemon.log(), within_s=20)
        eventually(lambda: all_encrypted(postgres, "keeper"), within_s=20)


def test_a_role_needs_no_right_but_to_its_schema(postgres, schema, connection, start):
    assert postgres.ask("SELECT has_database_privilege('keeper', 'postgres', 'CREATE'), "
                        "has_database_privilege('keeper', 'postgres', 'TEMP')") == "f|f"
    environment = {"ROLLCALL_STORE": connection(password=SECRET)}
    daemon = start("--set", f"postgres.schema={schema}", *PATIENT, environment=environment)
    with daemon.client() as client:
        register(client, "a")
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        assert client.get("/instances/a").status == 200
    said = refused("not_there", connection(password=SECRET))
    assert "permission denied for database postgres" in said


def test_an_authority_that_did_not_sign_is_not_trusted(schema, connection, tmp_path):
    other = Authority(tmp_path / "other")
    said = refused(schema, connection(password=SECRET, sslrootcert=other.cert))
    assert "certificate verify failed" in said
    assert f"(sslmode=verify-full sslrootcert={other.cert}" in said


def test_an_authority_that_is_not_there_is_named(schema, connection, tmp_path):
    said = refused(schema, connection(password=SECRET, sslrootcert=tmp_path / "nowhere.pem"))
    assert f'"{tmp_path}/nowhere.pem" does not exist' in said


def test_a_server_of_another_name_is_not_trusted(schema, connection):
    said = refused(schema, connection(password=SECRET, host="db.example", hostaddr="127.0.0.1"))
    assert 'server certificate for "localhost" does not match host name "db.example"' in said
    assert "(sslmode=verify-full" in said


def test_a_server_without_tls_is_told_nothing(postgres, schema, connection):
    def set_tls(to, seen):
        postgres("psql", "-c", f"ALTER SYSTEM {to}", "-c", "SELECT pg_reload_conf()")
        eventually(lambda: postgres.ask("SHOW ssl") == seen, within_s=20)

    set_tls("SET ssl = off", "off")
    try:
        said = refused(schema, connection(password=SECRET))
    finally:
        set_tls("RESET ssl", "on")
    assert "server does not support SSL, but SSL was required" in said
    assert "(sslmode=verify-full" in said


def test_a_server_that_asks_for_tls_is_not_spoken_to_in_the_clear(schema, connection):
    said = refused(schema, connection(password=SECRET, sslmode="disable"))
    assert "no encryption" in said and "(sslmode=disable" in said


def test_a_client_certificate_is_shown(postgres, authority, schema, connection, start):
    cert, key = authority.certify("certified")
    daemon = start("--set", f"postgres.schema={schema}", *PATIENT,
                   environment={"ROLLCALL_STORE": connection(user="certified", sslcert=cert, sslkey=key)})
    with daemon.client() as client:
        register(client, "a")
    eventually(lambda: all_encrypted(postgres, "certified"), within_s=20)


def test_a_client_without_its_certificate_is_refused(authority, schema, connection, tmp_path):
    said = refused(schema, connection(user="certified", sslcert=tmp_path / "none", sslkey=tmp_path / "none"))
    assert "connection requires a valid client certificate" in said
    cert, key = authority.certify("somebody")
    said = refused(schema, connection(user="certified", sslcert=cert, sslkey=key))
    assert 'certificate authentication failed for user "certified"' in said
    key.chmod(0o644)
    said = refused(schema, connection(user="certified", sslcert=cert, sslkey=key))
    assert f'private key file "{key}" has group or world access' in said


# ---- passwords ----

def in_the_connection(connection, _folder):
    return (), {"ROLLCALL_STORE": connection(password=SECRET)}


def in_the_url(connection, _folder):
    words = dict(word.split("=", 1) for word in connection().replace("'", "").split(" "))
    where = f"{words['host']}:{words['port']}/{words['dbname']}"
    return (), {"ROLLCALL_STORE": f"postgres://{words['user']}:{ENCODED}@{where}?sslmode=verify-full"
                                  f"&sslrootcert={words['sslrootcert']}"}


def in_the_configuration(connection, folder):
    file = folder / "rollcall.toml"
    file.write_text(f'store = "{connection(password=SECRET)}"\n')
    return ("--config", file), {}


def passfile_in(folder, secret=SECRET):
    file = folder / "passwords"
    file.write_text("localhost:*:postgres:keeper:" + secret.replace(":", "\\:") + "\n")
    file.chmod(0o600)
    return file


def in_a_passfile(connection, folder):
    return ("--store", connection(passfile=passfile_in(folder))), {}


def in_a_passfile_of_the_environment(connection, folder):
    return ("--store", connection()), {"PGPASSFILE": str(passfile_in(folder))}


def in_the_environment(connection, _folder):
    return ("--store", connection()), {"PGPASSWORD": SECRET}


@pytest.mark.parametrize("place", [in_the_connection, in_the_url, in_the_configuration, in_a_passfile,
                                   in_a_passfile_of_the_environment, in_the_environment])
def test_a_password_works_from_each_place_and_is_never_shown(postgres, schema, connection, start, tmp_path, place):
    arguments, environment = place(connection, tmp_path)
    daemon = start(*map(str, arguments), "--log-level", "debug", "--set", f"postgres.schema={schema}", *PATIENT,
                   environment=environment)
    with daemon.client() as client:
        register(client, "a")
        # What is said most easily of a password is that it's wrong.
        postgres.ask("ALTER ROLE keeper PASSWORD 'another'")
        try:
            postgres.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'")
            told = register(client, "b", expect=503)
            health = client.get("/health")
            assert health.status == 503
            assert "password authentication failed" in health.json["detail"]
            eventually(lambda: "isn't heard of for now" in daemon.log(), within_s=20)
        finally:
            postgres.ask(f"ALTER ROLE keeper PASSWORD '{SECRET}'")
        eventually(lambda: client.get("/health").status == 200, within_s=20)
        register(client, "b")
        metrics = client.get("/metrics").body
    seen_by_everyone = pathlib.Path(f"/proc/{daemon.pid}/cmdline").read_text()
    for text in (told.body, health.body, metrics, daemon.log(), seen_by_everyone):
        shown = text if isinstance(text, str) else text.decode()
        assert SECRET not in shown and ENCODED not in shown and SECRET.replace(":", "\\:") not in shown


def test_a_passfile_is_read_again_by_the_next_connection(postgres, schema, connection, start, tmp_path):
    daemon = start("--store", connection(passfile=passfile_in(tmp_path)), "--set", f"postgres.schema={schema}", *PATIENT)
    with daemon.client() as client:
        try:
            postgres.ask("ALTER ROLE keeper PASSWORD 'another'")
            passfile_in(tmp_path, "another")
            postgres.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'")
            register(client, "a")
        finally:
            postgres.ask(f"ALTER ROLE keeper PASSWORD '{SECRET}'")


@pytest.mark.parametrize("line", [("--store", "{}"), ("--set", "store={}")])
def test_a_connection_with_a_password_is_not_taken_from_the_command_line(connection, line):
    said = subprocess.run([binary(), "serve", *(part.format(connection(password=SECRET)) for part in line)], timeout=20,
                          capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "is a secret, and not for the command line" in said.stderr
    assert SECRET not in said.stderr
