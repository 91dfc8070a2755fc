"""Which distribution brings an import name, for packages whose two names are known."""

from __future__ import annotations

# Of the most used packages, those that are imported by another name than they are installed by.
_INSTALLED_AS = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "git": "gitpython",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.storage": "google-cloud-storage",
    "google.protobuf": "protobuf",
    "imblearn": "imbalanced-learn",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "osgeo": "gdal",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "pylab": "matplotlib",
    "pytorch_lightning": "pytorch-lightning",
    "ruamel.yaml": "ruamel.yaml",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "slugify": "python-slugify",
    "socks": "pysocks",
    "umap": "umap-learn",
    "usb": "pyusb",
    "win32api": "pywin32",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
# And those whose names are the same.
_INSTALLED_ALIKE = {
    "altair", "anndata", "boto3", "bokeh", "catboost", "dask", "dill", "duckdb", "fastapi", "flask", "gensim",
    "geopandas", "gymnasium", "h5py", "httpx", "ipywidgets", "jax", "joblib", "keras", "lightgbm", "lxml",
    "matplotlib", "mlflow", "networkx", "nltk", "numba", "numpy", "openpyxl", "optuna", "pandas", "plotly",
    "polars", "psutil", "pyarrow", "pydantic", "pyspark", "pytest", "requests", "rich", "scanpy", "scipy",
    "seaborn", "shap", "spacy", "sqlalchemy", "statsmodels", "streamlit", "sympy", "tables", "tabulate",
    "tensorflow", "tiktoken", "torch", "torchaudio", "torchvision", "tqdm", "transformers", "typer", "ujson",
    "wandb", "xarray", "xgboost", "xlrd", "xlsxwriter", "zarr",
}  # fmt: skip


def distribution_of(module: str) -> str | None:
    """The distribution that is installed to import a module, or None where that is not known.

    Args:
        module: dotted name.

    Example:
        >>> distribution_of("sklearn.ensemble"), distribution_of("numpy"), distribution_of("helpers")
        ('scikit-learn', 'numpy', None)
    """
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in _INSTALLED_AS:
            return _INSTALLED_AS[name]
        if name in _INSTALLED_ALIKE:
            return name
    return None
