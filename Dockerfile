# SPDX-License-Identifier: MIT
#
# A container in which Heddle builds, runs and is debugged (README.md, "In WSL, on macOS, in a container"):
#   docker build -t heddle .
#   docker run -it --rm -v "$PWD":/heddle heddle                 make run; other commands go behind it
# With --build-arg GOALS=test what all tests need is installed, too (make setup test).
FROM --platform=linux/amd64 debian:bookworm-slim
ARG GOALS="gdb labs-host"
COPY tools/setup.sh /tmp/setup.sh
RUN /tmp/setup.sh setup $GOALS && rm -rf /var/lib/apt/lists/* /tmp/setup.sh
WORKDIR /heddle
CMD ["make", "run"]
