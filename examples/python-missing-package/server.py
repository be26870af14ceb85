import os

import httpx
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return httpx.get("https://example.com").text


app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
