"""Cases that once went wrong, as short as they could be made, by target; what was wrong with each."""

from autoscaler.runtimes.process.records import this_boot
from tests.fuzz.policies import ENV
from tests.fuzz.stats_pages import COLUMNS_26

GOOD = (
    b"service: web\nreplica: {image: a, port: 1}\nroute: {bind: '127.0.0.1:80'}\n"
    b"policies: [{type: target_tracking, metric: request_rate, target: 1}]\n"
)
HOSTILE = b'{"service":"a","host":"","path":"/","check":"","replica":"b","bind":"::%lo ssl","address":"::","trusted":"::"}'

PID_0 = f'running.json\n{{"pid":0,"started":1,"keeper_pid":6,"keeper_started":1,"boot":"{this_boot()}"}}'.encode()

PAGE = ",".join(COLUMNS_26)


def page(service: str, name: str, **cells: str) -> bytes:
    """Statistics of one line."""
    line = ",".join({"pxname": service, "svname": name, **cells}.get(column, "1") for column in COLUMNS_26)
    return f"# {PAGE}\n{line}\n".encode()


ENTRY = b'list\n[{"Id":"a","Labels":{"io.autoscaler.replica":"web-1","io.autoscaler.service":"web"},%s}]'

KEPT = (
    ("a container without its state was taken for an ended one", "docker_answers", ENTRY % b'"Created":1'),
    ("a list that is null", "docker_answers", b"list\nnull"),
    ("an entry that is a number", "docker_answers", b"list\n[1]"),
    ("an entry without its time", "docker_answers", ENTRY % b'"State":"running"'),
    (
        "an address that is none",
        "docker_answers",
        ENTRY.replace(b'"web"', b'"web","io.autoscaler.port":"1"')
        % (b'"State":"running","Created":1,"NetworkSettings":{"Networks":{"a":{"IPAddress":"1 x"}}}'),
    ),
    (
        "an env_file whose path is longer than a path may be",
        "policies",
        b'replica:\n env_file: {path: "' + b"a/" * 3000 + b'"}',
    ),
    ("a missing variable with a name of thousands of letters", "policies", b"a: $" + b"a" * 5000),
    ("a size of hundreds of digits", "policies", b'replica:\n shm_size: "' + b"9" * 400 + b't"'),
    ("a fix that named a service with a line separator", "policies", b'service: "\xe2\x80\xa8"\nreplica:\n privileged: t'),
    (
        "a count beyond what is read again",
        "saved_states",
        b'{"memory":{"version":1,"t":0,"desired":3,"recent":[],"latest":null,"scaled":[],"forced":null,"samples":{},'
        b'"policies":{"1:step":{"stepped_at":1699999995,"base":0,"count":99999999}}},"next_number":7,"backoff":{"streak":2,'
        b'"failed_at":0,"until":170,"why":"i"},"images":{},"ready_at":{}}',
    ),
    ("an event whose time is a list", "docker_answers", b'events\n{"timeNano":[]}'),
    ("an event that is no JSON", "docker_answers", b"events\n{"),
    ("an event that is a list", "docker_answers", b"events\n[]"),
    (
        "an event of a container whose id is a list",
        "docker_answers",
        b'events\n{"Type":"network","Actor":{"Attributes":{"container":[]}}}',
    ),
    ("labels with a NUL in their name", "docker_answers", b'events\n{"Actor":{"Attributes":{"\\u0000":8}}}'),
    ("usage in text", "docker_answers", b'stats\n{"memory_stats":{"usage":"1"}}'),
    ("a layer of a pull that is a list", "docker_answers", b'pull\n{"id":[1],"status":"x"}'),
    ("a size in text", "docker_answers", b'pull\n{"id":"a","status":"Downloading","progressDetail":{"total":"1"}}'),
    ("a pull nested beyond reason", "docker_answers", b"pull\n" + b"[" * 30_000),
    (
        "a pid of 5,000 digits",
        "runtime_sockets",
        b"cut\n%\n\n> \n%\nPid: " + b"9" * 5000 + b"\nDroppedLogs: 0\n\n> ",
    ),
    ("an `Expect` was refused in plain text", "api_requests", b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"),
    ("an `Expect` of no text was a failure of ours", "api_requests", b"GET / HTTP/1.1\r\nHost: a\r\nExpect: \xb2\r\n\r\n"),
    ("a list nested beyond reason", "docker_gets", b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 30_000),
    ("a length of terabytes", "docker_gets", b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000000\r\n\r\n[]"),
    ("a metric's name with a NUL was told as it is", "replays", b'{"t":0,"replicas":{"ready":1},"metrics":{"\\u0000":[]}}'),
    ("a counter of 400 digits", "stats_pages", page("web", "BACKEND", scur="9" * 400)),
    ("a counter below zero", "stats_pages", page("web", "BACKEND", scur="-1")),
    (
        "a port of an odd digit",
        "stats_pages",
        page("web", "web-1", addr="a:²") + page("web", "BACKEND").split(b"\n")[1] + b"\n",
    ),
    ("a pid of 0, which is whoever signals", "process_records", PID_0),
    ("a problem without a fix", "policies", b'route: {queue_timeout: "3651d"}'),
    ("a problem of thousands of characters", "policies", b"replica: {stop_signal: " + b"9" * 5000 + b"}"),
    ("a key of thousands of characters", "policies", b"A" * 3000 + b": 1\n" + GOOD),
    ("a value with `; ` in it was taken for the fix", "policies", b"route: {queue_timeout: '1; 2'}"),
    ("an escaped NUL was accepted", "policies", GOOD.replace(b"image: a", b'image: "a\\0"')),
    ("an escaped NUL in a key was accepted", "policies", GOOD.replace(b"image: a", b'image: a, labels: {"a\\0": b}')),
    ("a NUL of .env was accepted", "policies", GOOD.replace(b"image: a", b"image: $X") + ENV + b"X=a\0"),
    (
        "a host with _ was accepted, and then refused by all of HAProxy's config",
        "configs",
        GOOD.replace(b"{bind", b"{host: a_b, bind"),
    ),
    ("a path of 3,000 characters likewise", "configs", GOOD.replace(b"{bind", b"{path: /" + b"a" * 3000 + b", bind")),
    (
        "a rate of 1e308 % was infinitely many",
        "configs",
        GOOD + b"behavior: {scale_down: {policies: [{percent: 1e308, period: 15s}]}}",
    ),
    ("an address with a zone hid words behind it", "hostile_configs", HOSTILE),
    ("a number of 400 digits", "log_lines", b"web 200 -- " + b"9" * 400 + b" 0 0 0"),
    ("a latency below zero", "log_lines", b"web 200 -- -1 -1 0 0"),
    ("orders of another type", "saved_states", b'{"override":{"replicas":"3"},"pause":null,"down":false}'),
    ("a policy nested beyond reason", "saved_states", b"[" * 30_000),
    (
        "a policy whose file has a name that no file can have",
        "saved_states",
        b'{"path":"' + b"A" * 300 + b'/p.yaml","text":"a: b"}',
    ),
    ("an infinite count", "saved_states", b'{"next_number":1e999,"backoff":{},"images":{},"ready_at":{},"memory":{}}'),
    ("an exit status that is none", "process_records", b'exit.json\n{"code":Infinity}'),
    ("processes that are no mapping", "process_records", b"running.json\n[]"),
    (
        "a pid that is a list",
        "process_records",
        b'running.json\n{"pid":[],"started":0,"keeper_pid":6,"keeper_started":1,"boot":""}',
    ),
    (
        "a record with fields of other types",
        "process_records",
        b'record.json\n{"service":[],"replica":"web-1","spec_hash":"","created_at":0,"port":"1"}',
    ),
)
