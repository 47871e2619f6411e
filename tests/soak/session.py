"""A session of the page without a browser: what Streamlit's own script says over HTTP and a websocket."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

PATIENCE = 300.0  # seconds
AGAIN = 5  # times that a download is asked for: Streamlit drops the file when scripts of others end meanwhile
_COOKIE = "_streamlit_xsrf"


class Session:
    """Somebody who has the page open; closes it at the end of the context."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._http = requests.Session()
        self._http.headers["Connection"] = "close"  # an idle line may be closed just as it is used again
        self._http.get(f"{address}/_stcore/health", timeout=PATIENCE).raise_for_status()
        self._token = self._http.cookies[_COOKIE]
        self._line = connect(
            address.replace("http", "ws") + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit"), Subprotocol(self._token)],
            additional_headers={"Cookie": f"{_COOKIE}={self._token}"},
            max_size=None,
            ping_interval=None,  # on a busy machine nobody hangs up
        )
        self._id = ""
        self._elements: list[Any] = []
        self._say(rerun_script={"query_string": ""})
        self._listen("script_finished")
        self._uploader = next(
            each.file_uploader.id for each in self._elements if each.HasField("file_uploader")
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._http.close()

    def upload(self, name: str, content: bytes) -> None:
        """Upload a file, and have the page take note of it; the analysis begins."""
        place = self._place(name)
        headers = {"X-Xsrftoken": self._token}
        url = self._address + place.upload_url
        self._http.put(
            url, files={"file": (name, content)}, headers=headers, timeout=PATIENCE
        ).raise_for_status()
        told = {"file_id": place.file_id, "name": name, "size": len(content), "file_urls": place}
        state = {"id": self._uploader, "file_uploader_state_value": {"uploaded_file_info": [told]}}
        self._say(rerun_script={"widget_states": {"widgets": [state]}})

    def break_off(self, name: str, content: bytes) -> None:
        """Begin to upload a file, and hang up after half of it."""
        url = urlsplit(self._address + self._place(name).upload_url)
        line = http.client.HTTPConnection(url.netloc, timeout=PATIENCE)
        line.putrequest("PUT", url.path)
        headers = {"X-Xsrftoken": self._token, "Cookie": f"{_COOKIE}={self._token}"}
        headers |= {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(len(content))}
        for header, value in headers.items():
            line.putheader(header, value)
        begin = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        line.endheaders(begin + content[: len(content) // 2])
        line.close()

    def download(self, label: str) -> bytes:
        """Wait for the result, and save a file of it."""
        buttons: list[str] = []
        while not buttons:
            self._listen("script_finished")
            found = [each.download_button for each in self._elements if each.HasField("download_button")]
            buttons = [button.deferred_file_id for button in found if button.label == label]
        asked = {"request_id": "1", "session_id": self._id, "deferred_file": {"file_id": buttons[-1]}}
        for _ in range(AGAIN):
            self._say(backend_operation_request=asked)
            url = self._listen("backend_operation_response").deferred_file.url
            answer = self._http.get(self._address + url, timeout=PATIENCE)
            if answer.status_code != requests.codes.not_found:
                break
        answer.raise_for_status()
        return answer.content

    def _place(self, name: str) -> Any:
        self._say(file_urls_request={"request_id": "1", "file_names": [name], "session_id": self._id})
        return self._listen("file_urls_response").file_urls[0]

    def _say(self, **message: Any) -> None:
        self._line.send(BackMsg(**message).SerializeToString())

    def _listen(self, kind: str) -> Any:
        """Wait for a message of a kind, and keep the elements that come before it."""
        while True:
            message: Any = ForwardMsg()
            content = self._line.recv(PATIENCE)
            assert isinstance(content, bytes)
            message.ParseFromString(content)
            if message.HasField("delta") and message.delta.HasField("new_element"):
                self._elements.append(message.delta.new_element)
            if message.HasField("new_session"):
                self._id = message.new_session.initialize.session_id
                self._elements = []
            if message.HasField(kind):
                return getattr(message, kind)
