"""corpus.py NQCLI SOURCE CONFORMANCE: every model of the small corpus loads, runs right and quantizes.

The archive holds graphs of real exporters without weights; scripts/corpus.sh makes it. Weights are drawn from seeds and
expected outputs come from ONNX Runtime.
"""

import pathlib
import subprocess
import sys
import tempfile


def main():
    nqcli, source, conformance = sys.argv[1:4]
    scripts = pathlib.Path(source) / "scripts/corpus"
    archive = pathlib.Path(__file__).parent / "corpus/skeletons.tar.xz"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, scripts / "skeleton.py", "fill", archive, folder], check=True)
        done = subprocess.run([sys.executable, scripts / "check.py", folder, "--nqcli", nqcli, "--conformance", conformance])
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
