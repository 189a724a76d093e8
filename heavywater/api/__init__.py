"""H2O's module-level verbs: `init`, `import_file`, `save_model`, `get_model`, `ls`, …"""

from heavywater.api.demonstration import demo
from heavywater.api.exports import import_mojo, upload_mojo
from heavywater.api.files import as_list, download_csv, export_file, import_file, upload_file
from heavywater.api.models import (
    deeplearning,
    download_model,
    gbm,
    glm,
    load_model,
    make_metrics,
    predict,
    save_model,
    upload_model,
)
from heavywater.api.objects import (
    assign,
    deep_copy,
    frames,
    get_frame,
    get_model,
    ls,
    rapids,
    remove,
    remove_all,
)
from heavywater.api.session import (
    Cluster,
    cluster,
    cluster_status,
    connect,
    init,
    memory_size,
    no_progress,
    show_progress,
    shutdown,
)
from heavywater.grid import get_grid, load_grid, save_grid

__all__ = [
    "Cluster", "as_list", "assign", "cluster", "cluster_status", "connect", "deep_copy", "deeplearning", "demo",
    "download_csv", "download_model", "export_file", "frames", "gbm", "get_frame", "get_grid", "get_model", "glm",
    "import_file", "import_mojo",
    "init", "load_grid", "load_model", "ls", "make_metrics", "memory_size", "no_progress", "predict", "rapids",
    "remove", "remove_all", "save_grid", "save_model", "show_progress", "shutdown", "upload_file", "upload_mojo", "upload_model",
]  # fmt: skip
