"""Who may come in, and what they may touch."""

from __future__ import annotations

import os

import pytest

from heavywater.algos.deepwater.decode import ImageFault, read_bytes
from heavywater.engine.session import LocalSession
from heavywater.errors import H2OValueError
from heavywater.server.app import create_app
from heavywater.server.config import Settings
from tests.server.conftest import TOKEN, Http


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Basic aDJvOmEtdG9rZW4tZm9yLXRlc3RzLTAxMjM="}, 200),
        ({"Authorization": "", "Cookie": f"heavywater-token={TOKEN}"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic ???"}, 401),
        ({"Authorization": "Basic aDJvOndyb25n"}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "", "Cookie": "heavywater-token="}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:54321"}, 403),
        ({"Host": "127.0.0.1.evil.example:54321"}, 403),
        ({"Host": "LOCALHOST:54321"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://127.0.0.1:54321"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_gate(client, headers, status):
    answer = client.raw("GET", "/3/Ping", headers)
    assert answer.status_code == status
    assert answer.headers["x-frame-options"] == "deny"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if status != 200:
        assert answer.json()["__meta"]["schema_name"] == "H2OErrorV3"


def test_token_in_the_address_becomes_a_cookie(client):
    answer = client.raw("GET", "/", {"Authorization": ""}, params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Strict" in answer.headers["set-cookie"]
    assert client.raw("GET", "/", {"Authorization": "", "Cookie": ""}, params={"token": "x"}).status_code == 401
    client.http.client.cookies.clear()
    assert client.raw("GET", "/3/Ping", {"Authorization": ""}, params={"token": TOKEN}).status_code == 401


def test_no_token_on_other_interfaces():
    with pytest.raises(H2OValueError, match="loopback only"):
        Settings(host="0.0.0.0", token=None)
    with pytest.raises(H2OValueError, match="16 characters"):
        Settings(token="short")


def outside(client):
    return str(client.root.parent / "secret.csv")


ATTACKS = [
    "{outside}", "../secret.csv", "{root}/../secret.csv", "/etc/passwd", "file:///etc/passwd", "nfs://etc/passwd",
    "http://127.0.0.1:1/x.csv", "http://169.254.169.254/x", "s3://bucket/x", "hdfs:/x", "link.csv", "folder/secret.csv",
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_files_outside_the_roots_are_not_read(client, attack):
    os.symlink(client.root.parent / "secret.csv", client.root / "link.csv")
    os.symlink(client.root.parent, client.root / "folder")
    assert client.post("/3/ImportFilesMulti", paths="[people.csv]")["fails"] == []
    path = attack.format(outside=outside(client), root=client.root)
    status = 412 if attack.startswith(("http", "s3", "hdfs")) else 404  # an address, or a file that is not there for it
    client.post("/3/ImportFilesMulti", status, paths=f'["{path}"]')
    client.get("/3/ImportFiles", status, path=path)
    client.post("/99/Models.bin/", 412, dir=path)


def test_answer_outside_the_roots_does_not_depend_on_the_file(client):
    texts = []
    for name in ("secret.csv", "absent.csv"):
        answer = client.post("/3/ImportFilesMulti", 404, paths=f"[../{name}]")
        texts.append(answer["msg"].replace(name, "NAME"))
    assert texts[0] == texts[1]


def test_links_in_a_folder_and_globs_stay_inside(client):
    os.symlink(client.root.parent / "secret.csv", client.root / "link.csv")
    for path in (client.root, f"{client.root}/*.csv"):
        found = client.post("/3/ImportFilesMulti", paths=f"[{path}]")["files"]
        assert found == [str(client.root / "people.csv")]
    for path, status in ((f"{client.root}/../*.csv", 404), (f"{client.root}/**", 412)):
        client.post("/3/ImportFilesMulti", status, paths=f"[{path}]")


def test_a_file_swapped_for_a_link_after_import_is_not_read(client):
    raw = client.post("/3/ImportFilesMulti", paths="[people.csv]")["destination_frames"][0]
    (client.root / "people.csv").unlink()
    os.symlink(client.root.parent / "secret.csv", client.root / "people.csv")
    client.post("/3/ParseSetup", 412, source_frames=f'["{raw}"]')
    client.post("/3/Parse", 412, source_frames=f'["{raw}"]', destination_frame="x")


@pytest.mark.parametrize("path", ["../out.csv", "/tmp/../out.csv", "folder/out.csv", "file:///out.csv", "s3://b/o.csv"])
def test_files_outside_the_roots_are_not_written(people, path):
    os.symlink(people.root.parent, people.root / "folder")
    people.train(response_column="y", model_id="m")
    people.post("/3/Frames/people.hex/export", 412, path=path, force=True)
    people.get("/99/Models.bin/m", 412, dir=path, force=True)
    folder = people.root.parent
    people.post(
        "/3/ModelBuilders/deeplearning",
        412,
        training_frame="people.hex",
        response_column="y",
        export_checkpoints_dir=folder,
    )
    assert sorted(p.name for p in folder.iterdir()) == ["root", "secret.csv"]


def test_completion_shows_the_roots_only(client):
    assert client.get("/3/Typeahead/files", src=f"{client.root}/pe")["matches"] == [str(client.root / "people.csv")]
    assert client.get("/3/Typeahead/files", src=f"{client.root.parent}/sec")["matches"] == []
    assert client.get("/3/Typeahead/files", src="/etc/pass")["matches"] == []
    assert client.get("/3/Typeahead/files", src="http://127.0.0.1/")["matches"] == []


def test_code_is_not_taken_from_clients(people):
    answer = people.post(
        "/3/ModelBuilders/deeplearning",
        412,
        training_frame="people.hex",
        response_column="y",
        custom_metric_func="python:os=x",
    )
    assert "does not run for clients" in answer["msg"]


@pytest.mark.parametrize("text", ["(num_valid_substrings x '/etc/passwd')", "(\tnum_valid_substrings x '/etc/passwd')",
                                  "(+ 1 (apply people.hex 2 {x . (num_valid_substrings x '/etc/passwd')}))"])  # fmt: skip
def test_rapids_reads_no_files(people, text):
    assert "not available over HTTP" in people.rapids(text, 400)["msg"]


def test_limits(client):
    assert "nested" in client.rapids("(" * 300 + "1" + ")" * 300, 400)["msg"]
    assert client.raw("POST", "/3/LogAndEcho", {"Content-Length": str(1 << 40)}, content=b"").status_code == 413
    many = "&".join(f"a{i}=1" for i in range(3000))
    assert client.raw("GET", f"/3/Ping?{many}").status_code == 400
    assert client.raw("POST", "/3/LogAndEcho", {"Content-Type": "text/xml"}, content=b"<x/>").status_code == 415


def test_hostile_model_file_is_refused(client):
    data = b"\x80\x04cos\nsystem\n(S'true'\ntR."
    client.raw("POST", "/3/PostFile.bin", params={"destination_frame": "bad"}, content=data)
    client.post("/99/Models.upload.bin/", 412, dir="bad")
    assert client.get("/3/Models")["models"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/99/ImportSQLTable"),
        ("POST", "/3/ImportHiveTable"),
        ("POST", "/3/PersistS3"),
        ("POST", "/3/PutKey"),
        ("POST", "/3/DecryptionSetup"),
        ("GET", "/3/KillMinus3"),
        ("GET", "/3/JStack"),
        ("GET", "/3/Metadata/schemaclasses/java.lang.System"),
    ],
)
def test_absent_on_purpose(client, method, path):
    answer = client.call(method, path, 412, connection_url="jdbc:mysql://evil/?allowLoadLocalInfile=true")
    assert "is not supported by this server" in answer["msg"]


def test_names_cannot_carry_markup_into_pages_or_headers(client):
    client.rapids("(assign '<script>alert(1)</script>' (cols_py (rows 1 []) 0))", 400)
    name = "a\r\nX-Evil: 1;<b>"
    client.hub.engine.put("a b;<b>", client.hub.engine.get(client.load()))
    answer = client.raw("GET", "/3/DownloadDataset", params={"frame_id": "a b;<b>"})
    assert answer.headers["content-disposition"] == "attachment; filename=a_b__b_.csv"
    client.call("GET", "/3/DownloadDataset", 404, frame_id=name)
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("train", {"algo": "deeplearning", "request": "[1"}),
        ("train", {"algo": "os", "request": "{}"}),
        ("train", {"algo": "deeplearning", "request": '{"params": {"__class__": 1}, "x": [], "y": null}'}),
        ("import", {"sources": '["/etc/passwd"]', "key": "x"}),
        ("import", {"sources": '["../secret.csv"]', "key": "x"}),
        ("import", {"sources": '["people.csv"]', "key": "x", "options": '{"limits": null}'}),
        ("import", {"sources": '["people.csv"]', "key": "x", "options": "[" * 100000}),
        ("predict", {"model": "m", "frame": "people.hex", "key": "x", "question": "__reduce__"}),
        ("performance", {"model": "m", "frame": "people.hex", "options": '{"threads": "x"}'}),
    ],
)
def test_own_addresses_are_as_safe(people, path, form):
    people.train(response_column="y", model_id="m")
    answer = people.raw("POST", f"/99/Native/{path}", data=form)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["__meta"]["schema_name"] == "H2OErrorV3"
    people.get("/3/Frames/x", 404)


def test_own_upload_takes_frames_only(people):
    for data in (b"", b"a,b", b"heavywater-frame-1 {}\n", b"heavywater-frame-1 " + b"[" * 100000 + b"\n"):
        answer = people.raw("POST", "/99/Native/frames/x", content=data)
        assert answer.status_code == 412
    people.get("/3/Frames/x", 404)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:54321", "Origin": "http://evil.example:54321"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[::1]:54321"}, 200),
        ({"Host": "127.0.0.1@evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://127.0.0.1:54321.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/3/Ping"),
        ("POST", "/3/Shutdown"),
        ("GET", "/flow/index.html"),
        ("OPTIONS", "/3/Ping"),
        ("GET", "/3/Absent"),
    ],
)
def test_pages_of_other_sites_are_refused_without_a_token_too(root, headers, status, method, path):
    app = create_app(LocalSession(1), Settings(token=None, roots=[root]))
    stopped = []
    app.hub.stop = lambda: stopped.append(1)
    with Http(app) as http:
        answer = http.request(method, path, headers=headers)
    app.hub.close()
    if path == "/flow/index.html" and headers.get("Sec-Fetch-Site") == "same-site":
        status = 200  # a link to the start page, which shows nothing of the server's objects
    expected = 404 if path == "/3/Absent" and status == 200 else status
    assert answer.status_code == expected
    assert "access-control-allow-origin" not in answer.headers
    assert bool(stopped) == (path == "/3/Shutdown" and status == 200)


def test_further_names_are_accepted_when_they_are_given(root):
    app = create_app(LocalSession(1), Settings(token=TOKEN, roots=[root], allowed_hosts=["Engine.example"]))
    with Http(app) as http:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert http.request("GET", "/3/Ping", headers=headers | {"Host": "engine.example:54321"}).status_code == 200
        assert http.request("GET", "/3/Ping", headers=headers | {"Host": "other.example:54321"}).status_code == 403
    app.hub.close()


def test_images_outside_the_roots_are_not_read(client):
    (client.root / "inside.png").write_bytes(b"data")
    os.symlink(client.root.parent / "secret.csv", client.root / "link.png")
    assert read_bytes(str(client.root / "inside.png")) == b"data"
    for path in ("/etc/passwd", "file:///etc/passwd", str(client.root / "link.png"), "../secret.csv"):
        with pytest.raises(ImageFault, match="outside the folders"):
            read_bytes(path)
    with pytest.raises(ImageFault, match="addresses may not be read"):
        read_bytes("http://127.0.0.1:1/x.png")
