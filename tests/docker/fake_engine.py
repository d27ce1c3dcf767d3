"""A Docker engine that isn't one: it answers with what was recorded of a real one (recorded/), multiplied as asked for, on
a unix socket. What can't be had from a real one: faults at will, and a Swarm of 10,000 tasks.

    with FakeEngine(path) as engine:
        shop = engine.add_service("shop", replicas=2)
        engine.scale(shop, 3)
"""
import copy
import http.server
import json
import os
import pathlib
import queue
import socketserver
import threading
import time
import urllib.parse

RECORDED = pathlib.Path(__file__).parent / "recorded"
ENABLED = {"autoscaler.enabled": "true"}


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text())


def stamp(seconds=None):
    now = time.time() if seconds is None else seconds
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1e9) % 1_000_000_000:09d}Z"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def answer(self):
        engine = self.server.engine
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        filters = json.loads(query.get("filters", ["{}"])[0])
        engine.asked.append((self.command, self.path))
        path = "/" + "/".join(part for part in url.path.split("/")[1:] if not part.startswith("v1."))
        if path == "/events":
            return self.stream(engine)
        status, body = engine.reply(path, filters)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, engine):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        events = engine.listen()
        while (line := events.get()) is not None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.close_connection = True


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class TlsServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """On a port of loopback, for who shows a certificate that `context` trusts."""
    daemon_threads = True
    context = None

    def get_request(self):
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


class FakeEngine:
    def __init__(self, path, tls=None):
        """`tls`: a server's ssl.SSLContext, with which it is at localhost in place of `path`."""
        self.path = str(path)
        self.url = f"unix://{self.path}"
        self._tls = tls
        self.services, self.tasks, self.containers = {}, {}, {}
        self.nodes = recorded("nodes")
        self.info = recorded("info")
        self.version = recorded("version")
        self.asked = []
        self.failing = {}  # path: (status, message)
        self._listeners = []
        self._lock = threading.RLock()
        self._index = 1000
        self._bodies = {}
        self._service_form = next(s for s in recorded("services") if s["Spec"]["Name"] == "shop")
        self._task_form = next(t for t in recorded("tasks")
                               if t["ServiceID"] == self._service_form["ID"] and t["DesiredState"] == "running")
        self._server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _listen(self):
        if not self._tls:
            if os.path.exists(self.path):
                os.unlink(self.path)
            return Server(self.path, Handler)
        server = TlsServer(("127.0.0.1", 0), Handler)
        server.context = self._tls
        self.url = f"tcp://localhost:{server.server_address[1]}"
        return server

    def start(self):
        self._server = self._listen()
        self._server.engine = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        """As an engine that ends: its streams too."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        if not self._tls:
            os.unlink(self.path)
        self.end_streams()

    def end_streams(self):
        with self._lock:
            for listener in self._listeners:
                listener.put(None)
            self._listeners = []

    def methods(self):
        return {method for method, _ in self.asked}

    # ---- what it runs ----

    def _next(self, altered=("services", "tasks")):
        self._index += 1
        for kind in altered:
            self._bodies.pop(kind, None)
        return self._index

    def _id(self):
        return f"{self._next():025d}"

    def add_service(self, name, replicas=1, labels=None, tell=True, **task_more):
        with self._lock:
            service = copy.deepcopy(self._service_form)
            service["ID"] = self._id()
            service["Version"]["Index"] = self._index
            service["CreatedAt"] = service["UpdatedAt"] = stamp()
            service["Spec"]["Name"] = name
            service["Spec"]["Labels"] = dict(ENABLED if labels is None else labels)
            service["Spec"]["Mode"] = {"Replicated": {"Replicas": replicas}}
            self.services[service["ID"]] = service
            for slot in range(1, replicas + 1):
                self._add_task(service["ID"], slot, **task_more)
            self._count(service["ID"])
            if tell:
                self.tell("service", "create", service["ID"], {"name": name})
            return service["ID"]

    def _add_task(self, service_id, slot, state="running", node=None):
        task = copy.deepcopy(self._task_form)
        task["ID"] = self._id()
        task["Version"]["Index"] = self._index
        task["ServiceID"], task["Slot"] = service_id, slot
        task["NodeID"] = node or self.nodes[0]["ID"]
        task["Status"]["State"] = state
        task["Status"]["ContainerStatus"]["ContainerID"] = f"{self._index:064d}"
        task["NetworksAttachments"][0]["Addresses"] = [
            f"10.{self._index >> 16 & 255}.{self._index >> 8 & 255}.{self._index & 255}/8"]
        self.tasks[task["ID"]] = task
        return task["ID"]

    def _count(self, service_id):
        """Came with API 1.41."""
        service = self.services[service_id]
        service.pop("ServiceStatus", None)
        if int(self.version["ApiVersion"].partition(".")[2]) < 41:
            return
        own = self.tasks_of(service_id)
        service["ServiceStatus"] = {"RunningTasks": sum(t["Status"]["State"] == "running" for t in own),
                                    "DesiredTasks": service["Spec"]["Mode"]["Replicated"]["Replicas"],
                                    "CompletedTasks": 0}

    def tasks_of(self, service_id):
        return [task for task in self.tasks.values() if task["ServiceID"] == service_id]

    def touch(self, service_id, **labels):
        """An update that changes labels alone."""
        with self._lock:
            service = self.services[service_id]
            service["Spec"]["Labels"].update(labels)
            service["Version"]["Index"] = self._next(["services"])
            service["UpdatedAt"] = stamp()
            return self.tell("service", "update", service_id, {"name": service["Spec"]["Name"]})

    def scale(self, service_id, replicas, tell=True):
        with self._lock:
            service = self.services[service_id]
            service["Spec"]["Mode"]["Replicated"]["Replicas"] = replicas
            service["Version"]["Index"] = self._next()
            own = self.tasks_of(service_id)
            for task in own[replicas:]:
                del self.tasks[task["ID"]]
            for slot in range(len(own) + 1, replicas + 1):
                self._add_task(service_id, slot)
            self._count(service_id)
            if tell:
                self.tell("service", "update", service_id, {"name": service["Spec"]["Name"]})

    def set_state(self, task_id, state, tell=None):
        """Without `tell`, as of a task on another node: no event says so."""
        with self._lock:
            task = self.tasks[task_id]
            task["Status"]["State"] = state
            task["Version"]["Index"] = self._next()
            self._count(task["ServiceID"])
            if tell:
                self.tell("container", tell, task["Status"]["ContainerStatus"]["ContainerID"],
                          {"com.docker.swarm.service.id": task["ServiceID"], "com.docker.swarm.task.id": task_id})

    def remove_service(self, service_id, tell=True):
        with self._lock:
            name = self.services.pop(service_id)["Spec"]["Name"]
            for task in self.tasks_of(service_id):
                del self.tasks[task["ID"]]
            self._next()
            if tell:
                self.tell("service", "remove", service_id, {"name": name})

    def run_container(self, name, **more):
        form = copy.deepcopy(next(c for c in recorded("containers") if c["Names"] == ["/plain"]))
        with self._lock:
            form.update({"Id": f"{self._next():064d}", "Names": [f"/{name}"]} | more)
            self.containers[form["Id"]] = form
            self.tell("container", "start", form["Id"], {"name": name})
            return form["Id"]

    def end_container(self, container_id):
        with self._lock:
            del self.containers[container_id]
            self.tell("container", "die", container_id, {})

    # ---- what it says ----

    def tell(self, kind, action, id_, attributes):
        at = time.time_ns()
        line = json.dumps({"Type": kind, "Action": action, "Actor": {"ID": id_, "Attributes": attributes},
                           "scope": "swarm", "time": at // 1_000_000_000, "timeNano": at}).encode() + b"\n"
        with self._lock:
            for listener in self._listeners:
                listener.put(line)
        return at

    def listen(self):
        events = queue.SimpleQueue()
        with self._lock:
            self._listeners.append(events)
        return events

    @property
    def listeners(self):
        return len(self._listeners)

    def reply(self, path, filters):
        if path in self.failing:
            status, message = self.failing[path]
            return status, json.dumps({"message": message}).encode()
        with self._lock:
            if path in ("/version", "/info", "/nodes"):
                return 200, json.dumps(getattr(self, path[1:])).encode()
            if path == "/services":
                return 200, self._list("services", self._services(filters), filters)
            if path == "/tasks":
                return 200, self._list("tasks", self._tasks(filters), filters)
            if path == "/containers/json":
                ids = filters.get("id")
                return 200, json.dumps([c for c in self.containers.values() if not ids or c["Id"] in ids]).encode()
            if path.startswith("/containers/") and path.split("/")[2] in self.containers:
                return 200, json.dumps(recorded("container")).encode()
        return 404, b'{"message":"page not found"}'

    def _list(self, kind, chosen, filters):
        """What is asked for without ids is kept as it was written, as 30 MB take their time."""
        if "id" in filters or "service" in filters:
            return json.dumps(list(chosen)).encode()
        if kind not in self._bodies:
            self._bodies[kind] = json.dumps(list(chosen)).encode()
        return self._bodies[kind]

    def _services(self, filters):
        for service in [self.services[i] for i in filters["id"] if i in self.services] if "id" in filters \
                else self.services.values():
            if all(self._has(service["Spec"]["Labels"], label) for label in filters.get("label", [])):
                yield service

    @staticmethod
    def _has(labels, wanted):
        key, equals, value = wanted.partition("=")
        return labels.get(key) == value if equals else key in labels

    def _tasks(self, filters):
        services = filters.get("service")
        for task in self.tasks.values():
            if services is None or task["ServiceID"] in services:
                yield task
