"""Every known weakness of H2O's server, by its number: the harmless form works or is absent, the attack leaves nothing.

Sources: the entries of the CVE list of the same numbers.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

pytest.importorskip("starlette", reason="needs heavywater[server]")
pytest.importorskip("httpx", reason="needs httpx to call the server")

from tests.server.watched import Canary, Watched  # noqa: E402

pytestmark = pytest.mark.network
TOKEN = "a-token-for-tests-0123"
PICKLE = b"\x80\x04cos\nsystem\n(S'touch /tmp/heavywater-was-here'\ntR."


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(serve, canary) -> Iterator[Watched]:
    url, root = serve("--token", TOKEN, "--max-unpacked", "8m")
    (root.parent / "secret.csv").write_text("secret\n1\n")
    client = Watched(url, root, canary, TOKEN)
    client.model()
    yield client
    client.http.close()


@pytest.fixture(scope="module")
def reaching(serve, canary) -> Iterator[Watched]:
    """A server that may fetch addresses."""
    url, root = serve("--token", TOKEN, "--allow-url")
    client = Watched(url, root, canary, TOKEN)
    yield client
    client.http.close()


# -- pages ----------------------------------------------------------------------------------------------------------------


def test_cve_2023_6013_stored_cross_site_scripting(server):
    script = "<script>alert(1)</script>"
    server.post("/3/NodePersistentStorage/notebook/harmless", value="a note")
    assert server.get("/3/NodePersistentStorage/notebook/harmless")["value"] == "a note"
    with server.nothing_left():
        server.refused("POST", f"/3/NodePersistentStorage/notebook/{quote(script, safe='')}", value="x")
        server.post("/3/NodePersistentStorage/notebook/harmless", value=script)
        for path in ("/3/NodePersistentStorage/notebook/harmless", "/3/NodePersistentStorage.bin/notebook/harmless"):
            answer = server.http.get(path)
            assert answer.headers["content-type"] in ("application/json", "application/octet-stream")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "script-src" not in answer.headers["content-security-policy"]  # so default-src 'self' holds
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        lost = server.http.get(f"/3/{quote(script)}")
        assert lost.headers["content-type"] == "application/json"
        for page in ("/flow/index.html", "/docs"):
            assert script not in server.http.get(page).text


# -- code -----------------------------------------------------------------------------------------------------------------


def test_cve_2023_6016_code_in_an_imported_model(server):
    server.post("/99/Models.upload.bin/", dir=server.upload(server.http.get("/3/Models.fetch.bin/m").content, "fine"))
    source = 'public class pojo extends hex.genmodel.GenModel { static { Runtime.getRuntime().exec("touch x"); } }'
    (server.root / "pojo.java").write_text(source)
    server.upload(source.encode(), "pojo")
    with server.nothing_left():
        server.fails("/3/ModelBuilders/generic", path=str(server.root / "pojo.java"), model_id="g")
        server.fails("/3/ModelBuilders/generic", path="/etc/passwd", model_id="g")
        server.fails("/3/ModelBuilders/generic", model_key="pojo", model_id="g")
        server.refused("POST", "/99/Models.bin/", dir=str(server.root / "pojo.java"))
        server.refused("POST", "/99/Models.upload.bin/", dir="pojo")
        server.refused("POST", "/3/PutKey", destination_key="k")
    server.ask("DELETE", "/3/DKV/pojo")


def test_cve_2024_6960_hostile_binary_model(server):
    good = server.http.get("/3/Models.fetch.bin/m").content
    assert server.post("/99/Models.upload.bin/", dir=server.upload(good, "fine"))["models"]
    hostile = [
        PICKLE,
        b"\xac\xed\x00\x05sr" + b"A" * 200,
        good[:-9],
        good[:8] + b'{"__metadata__":{"class":"os.system"}}',
    ]
    for i, data in enumerate(hostile):
        server.upload(data, f"bad{i}")
        (server.root / f"bad{i}").write_bytes(data)
    with server.nothing_left():
        for i in range(len(hostile)):
            server.refused("POST", "/99/Models.upload.bin/", dir=f"bad{i}")
            server.refused("POST", "/99/Models.bin/", dir=str(server.root / f"bad{i}"))
    for i in range(len(hostile)):
        server.ask("DELETE", f"/3/DKV/bad{i}")


TOOLS = [
    "(run_tool 'MojoConvertTool' ['m.zip' 'out'])",
    "(run_tool 'water.tools.EncryptionTool' ['a' 'b'])",
    "(run_tool 'XGBoostExecutor' ['{folder}/x'])",
    "(setproperty 'sys.ai.h2o.x' 'y')",
    "(model.reset.threshold (run_tool 'MojoConvertTool' ['x']) 1)",
    "(exec 'touch {folder}/x')",
]


def _no_tool(server, text):
    assert server.post("/99/Rapids", ast="(+ 1 2)")["scalar"] == 3
    with server.nothing_left():
        server.refused("POST", "/99/Rapids", ast=text.replace("{folder}", str(server.root)))


@pytest.mark.parametrize("text", TOOLS)
def test_cve_2024_5979_tools_run_by_rapids(server, text):
    _no_tool(server, text)


@pytest.mark.parametrize("text", TOOLS[:3])
def test_cve_2024_10572_tools_that_write_files(server, text):
    _no_tool(server, text)


def test_cve_2024_6863_files_encrypted_by_a_tool(server):
    before = (server.root / "people.csv").read_bytes()
    _no_tool(
        server, f"(run_tool 'EncryptionTool' ['--in' '{server.root}/people.csv' '--out' '{server.root}/people.csv'])"
    )
    with server.nothing_left():
        server.refused("POST", "/3/DecryptionSetup", decrypt_impl="water.parser.GenericDecryptionTool")
    assert (server.root / "people.csv").read_bytes() == before


# -- files ----------------------------------------------------------------------------------------------------------------


def test_cve_2023_6038_files_read_by_import(server):
    assert server.get("/3/ImportFiles", path=str(server.root / "people.csv"))["fails"] == []
    (server.root / "link.csv").symlink_to("/etc/passwd")
    with server.nothing_left():
        for path in (
            "/etc/passwd",
            "file:///etc/passwd",
            f"{server.root}/../secret.csv",
            str(server.root / "link.csv"),
        ):
            assert "root:" not in server.refused("GET", "/3/ImportFiles", path=path)
            server.refused("POST", "/3/ImportFilesMulti", paths=f"[{path}]")
        server.refused("POST", "/3/ParseSetup", source_frames='["nfs://etc/passwd"]')
        server.refused("POST", "/3/Parse", source_frames='["nfs://etc/passwd"]', destination_frame="stolen")
    (server.root / "link.csv").unlink()


def _export(server, path):
    return [
        ("POST", "/3/Frames/people/export", {"path": path, "force": True}),
        ("GET", "/99/Models.bin/m", {"dir": path, "force": True}),
        ("GET", "/99/Models.mojo/m", {"dir": path, "force": True}),
        ("GET", "/99/Models/m/json", {"dir": path, "force": True}),
    ]


def _no_write(server, which):
    for name in ("out", "again"):
        method, path, form = _export(server, str(server.root / name))[which]
        answer = server.get(path, **form) if method == "GET" else server.wait(server.post(path, **form)["job"])
        assert answer.get("status", "DONE") == "DONE"
        assert (server.root / name).exists()
    (server.root / "folder").symlink_to(server.root.parent)
    with server.nothing_left():
        for place in (
            server.root.parent / "secret.csv",
            "/etc/passwd",
            server.root / "folder" / "new",
            "../new",
            "s3://b/x",
        ):
            method, path, form = _export(server, str(place))[which]
            server.refused(method, path, **form)
            server.refused(method, path, **{**form, "force": False})
    (server.root / "folder").unlink()


def test_cve_2023_6569_files_written_by_model_export(server):
    _no_write(server, 1)


def test_cve_2024_5986_files_written_by_parse_and_export(server):
    _no_write(server, 0)


def test_cve_2024_6854_files_overwritten_by_frame_export(server):
    target = server.root / "kept.csv"
    target.write_text("kept")
    assert "exists" in server.refused("POST", "/3/Frames/people/export", path=str(target))
    assert target.read_text() == "kept"
    _no_write(server, 0)


def test_cve_2024_8616_files_overwritten_by_model_json(server):
    _no_write(server, 3)
    _no_write(server, 2)


def test_files_named_by_parameters_of_models(server):
    with server.nothing_left():
        for folder in ("/tmp", str(server.root.parent), "../"):
            server.refused(
                "POST", "/3/ModelBuilders/deeplearning", training_frame="people", response_column="y",
                export_checkpoints_dir=folder,
            )  # fmt: skip
        for name in (
            "network_definition_file",
            "network_parameters_file",
            "mean_image_file",
            "export_native_parameters_prefix",
        ):
            text = server.refused(
                "POST",
                "/3/ModelBuilders/deepwater",
                training_frame="people",
                response_column="y",
                **{name: "/etc/passwd"},
            )
            assert "outside the folders" in text


# -- addresses ------------------------------------------------------------------------------------------------------------


def _addresses(port):
    return [
        f"http://127.0.0.1:{port}/x.csv", f"http://localhost:{port}/x.csv", f"http://[::ffff:127.0.0.1]:{port}/x.csv",
        f"http://0.0.0.0:{port}/x", f"http://2130706433:{port}/x", f"http://0x7f.1:{port}/x", f"HTTP://127.1:{port}/x",
        f"http://user@127.0.0.1:{port}/x", f"ftp://127.0.0.1:{port}/x", f"gopher://127.0.0.1:{port}/x",
        f"hdfs://127.0.0.1:{port}/x", f"s3a://127.0.0.1:{port}/x", f"jar:http://127.0.0.1:{port}/x!/",
        "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/x", "http://[fe80::1]/x", "http://[64:ff9b::7f00:1]/x",
    ]  # fmt: skip


@pytest.mark.parametrize("which", ["server", "reaching"])
def test_cve_2024_5550_paths_and_requests_by_typeahead(which, request, canary):
    s = request.getfixturevalue(which)
    assert s.get("/3/Typeahead/files", src=f"{s.root}/peo")["matches"] == [str(s.root / "people.csv")]
    with s.nothing_left():
        for src in ("/etc/pass", "/", f"{s.root}/../sec", "~/", *_addresses(canary.port)):
            found = s.get("/3/Typeahead/files", src=src, limit=1000)["matches"]
            assert [m for m in found if not m.startswith(str(s.root))] == []


@pytest.mark.parametrize("which", ["server", "reaching"])
def test_cve_2024_8062_outbound_requests(which, request, canary):
    s = request.getfixturevalue(which)
    assert s.post("/3/ImportFilesMulti", paths=f"[{s.root / 'people.csv'}]")["fails"] == []
    start = time.monotonic()
    with s.nothing_left():
        for address in _addresses(canary.port):
            s.refused("POST", "/3/ImportFilesMulti", paths=f'["{address}"]')
            s.refused("GET", "/3/ImportFiles", path=address)
            s.refused("POST", "/99/Models.bin/", dir=address)
        assert time.monotonic() - start < 60  # nobody waits for an address that does not answer


def test_cve_2024_7768_import_that_imports_itself(server):
    own = server.url
    with server.nothing_left():
        for path in (
            f"{own}/3/ImportFiles?path={quote(own)}",
            f"{own}/3/Frames",
            "http://localhost:54321/3/ImportFiles",
        ):
            server.refused("GET", "/3/ImportFiles", path=path)
    assert server.get("/3/Ping")["cloud_healthy"]


# -- too much -------------------------------------------------------------------------------------------------------------


def test_cve_2024_7765_compressed_bomb(server):
    server.upload(gzip.compress(b"a,b\n" + b"1,2\n" * 1000), "small.gz")
    done = server.parse("small.gz", "small", check_header=1)
    assert (done["status"], server.get("/3/Frames/small/light")["frames"][0]["rows"]) == ("DONE", 1000)
    server.upload(gzip.compress(b"0," * 10_000_000), "bomb.gz")
    assert "unpack to more than" in server.refused("POST", "/3/ParseSetup", source_frames='["bomb.gz"]')
    with server.nothing_left():
        done = server.parse("bomb.gz", "bomb")
        assert done["status"] == "FAILED"
        assert "unpack to more than" in done["exception"]
    server.ask("DELETE", "/3/DKV/bomb.gz")
    server.ask("DELETE", "/3/DKV/small")


FOREVER = ["(a+)+$", "(a|a)*$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", r"(.*a){30}", "(?=a+)+b", r"(a)\1+$"]


def test_cve_2024_10549_patterns_that_parse_applies(server):
    (server.root / ("a" * 60 + ".csv")).write_text("x\n1\n")
    assert len(server.get("/3/ImportFiles", path=str(server.root), pattern=".*people[.]csv$")["files"]) == 1
    with server.nothing_left():
        for pattern in FOREVER:
            answer = server.ask("GET", "/3/ImportFiles", path=str(server.root), pattern=f".*{pattern}!")
            assert answer.status_code in (404, 412)
            server.ask(
                "POST",
                "/3/Parse",
                source_frames='["nothing"]',
                destination_frame="x",
                custom_non_data_line_markers=pattern,
            )
    assert server.http.get("/3/Ping").elapsed.total_seconds() < 20


def test_cve_2024_10550_patterns_that_parse_setup_applies(server):
    server.upload(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,b\n1,2\n", "named.csv")
    source = '["named.csv"]'
    assert server.post("/3/ParseSetup", source_frames=source, check_header=1)["number_columns"] == 2
    with server.nothing_left():
        for pattern in FOREVER:
            server.ask(
                "POST",
                "/3/ParseSetup",
                source_frames=source,
                column_name_filter=pattern,
                custom_non_data_line_markers=pattern,
            )
            text = server.ask(
                "POST", "/99/Rapids", ast=f"(replaceall (as.character (cols_py people 'sex')) '{pattern}' 'b' False)"
            )
            assert text.status_code in (200, 400)
    assert server.http.get("/3/Ping").elapsed.total_seconds() < 20
    server.ask("DELETE", "/3/DKV/named.csv")


# -- databases ------------------------------------------------------------------------------------------------------------

CONNECTIONS = {
    "CVE-2024-8862": "jdbc:mysql://127.0.0.1:{port}/test?autoDeserialize=true&queryInterceptors=com.mysql.cj.jdbc.X",
    "CVE-2024-10553": "jdbc:sqlite::resource:http://127.0.0.1:{port}/x.db",
    "CVE-2024-45758": "jdbc:mysql://127.0.0.1:{port}/?allowLoadLocalInfile=true&allowUrlInLocalInfile=true",
    "CVE-2025-5662": "jdbc:postgresql://127.0.0.1:{port}/?socketFactory=org.springframework.context.support.X&socketFactoryArg=http://127.0.0.1:{port}/x.xml",
    "CVE-2025-6507": "jdbc:mysql://127.0.0.1:{port}/test?%61utoDeserialize=true",
    "CVE-2025-6544": "jdbc:mysql://(host=127.0.0.1,port={port},autoDeserialize=true)/test",
    "CVE-2025-10768": "jdbc:h2:mem:x;INIT=RUNSCRIPT FROM 'http://127.0.0.1:{port}/x.sql'",
    "CVE-2025-10769": "jdbc:h2:file:{folder}/db;TRACE_LEVEL_SYSTEM_OUT=3;INIT=CREATE ALIAS x AS 'void x(){{}}'",
    "CVE-2026-3960": "jdbc:db2://127.0.0.1:{port}/x:clientRerouteServerListJNDIName=ldap://127.0.0.1:{port}/x;",
}  # fmt: skip


def _no_database(server, number):
    url = CONNECTIONS[number].format(port=server.canary.port, folder=server.root)
    form = {"connection_url": url, "username": "u", "password": "p", "table": "t", "select_query": "select 1"}
    with server.nothing_left():
        assert "Import from a database is not supported" in server.refused("POST", "/99/ImportSQLTable", **form)
        server.refused("POST", "/3/ImportHiveTable", database=url, table="t")
        server.refused("POST", "/3/SaveToHiveTable", frame_id="people", jdbc_url=url, table_name="t")
        server.refused("POST", "/99/Rapids", ast=f"(import_sql_table '{url}' 't' 'u' 'p')")
        server.refused("GET", "/3/ImportFiles", path=url)


def test_cve_2024_8862_connection_string(server):
    _no_database(server, "CVE-2024-8862")


def test_cve_2024_10553_connection_string(server):
    _no_database(server, "CVE-2024-10553")


def test_cve_2024_45758_connection_string(server):
    _no_database(server, "CVE-2024-45758")


def test_cve_2025_5662_connection_string(server):
    _no_database(server, "CVE-2025-5662")


def test_cve_2025_6507_connection_string(server):
    _no_database(server, "CVE-2025-6507")


def test_cve_2025_6544_connection_string(server):
    _no_database(server, "CVE-2025-6544")


def test_cve_2025_10768_connection_string(server):
    _no_database(server, "CVE-2025-10768")


def test_cve_2025_10769_connection_string(server):
    _no_database(server, "CVE-2025-10769")


def test_cve_2026_3960_connection_string(server):
    _no_database(server, "CVE-2026-3960")
