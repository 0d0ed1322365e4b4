#!/usr/bin/env bash
# Sets up what the Makefile's targets need. Each word is one step:
#   venv DIR run|dev
#               a virtual environment with Mooring and the packages that it runs on, or with those of development, too;
#               packages are locked and hashed
#   servers     MariaDB and Redis on PATH
#   scenarios   what the tests need besides: MariaDB's plugins, network namespaces, other clocks
#   cluster     a whole Kubernetes: Debian's container tools, the rest built by Go into a cache outside this repository
#   schemas     what other versions of Kubernetes take, read from their Python clients in that cache
#   image       Mooring's image and the Debian it is built on, kept in podman's storage
#   fresh       what makes bare machines for the tests of `make fresh`
#   systemd     after image: a Debian with systemd and MariaDB, and Mooring installed for it
#   matrix      the other servers and versions that `make test` runs (tools/lab/matrix), in a cache outside this repository
#   every-server
#               those and all others that `make matrix` runs
#   browser     Chromium, in which the tests look at the page
#   bench       HAProxy, which the benchmarks measure beside
# What is missing is installed from Debian's packages when root; otherwise it is named, and the step fails.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
export PATH=$PATH:/usr/sbin:/sbin

install() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        exec 9<tools/bootstrap.sh && flock 9 # make may run two steps at once
        echo "installing $*" >&2
        apt-get update -qq
        # No server may start by itself on this machine only because its package was installed.
        policy=/usr/sbin/policy-rc.d
        if [ -e "$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; fi
        status=0
        DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends "$@" >/dev/null || status=$?
        if [ -n "$policy" ]; then rm "$policy"; fi
        return "$status"
    fi
    echo "missing: $* (Debian's package names); install them, or run this as root" >&2
    return 1
}

need() { # need COMMAND PACKAGE [COMMAND PACKAGE ...]: installs the packages whose commands are missing
    local packages=()
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null || packages+=("$2")
        shift 2
    done
    [ ${#packages[@]} = 0 ] || install "${packages[@]}"
}

servers() {
    need mvn maven
    PYTHONPATH=tools "$PYTHON" -m lab.matrix.fetch "$@"
}

while [ $# -gt 0 ]; do
    case $1 in
        venv)
            environment=$2 packages=$3
            shift 2
            if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then install python3 python3-venv; fi
            "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
            [ -x "$environment/bin/python" ] || "$PYTHON" -m venv "$environment"
            echo "installing Python packages into $environment" >&2
            pip=("$environment/bin/python" -m pip install --quiet --disable-pip-version-check)
            "${pip[@]}" --require-hashes -r "requirements/$packages.txt"
            if [ "$packages" = run ]; then # the checkout itself, without the tools that build a package
                echo "$PWD/daemon" >"$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/checkout.pth"
                printf '#!/bin/sh\nexec "$(dirname "$0")/python" -m mooring "$@"\n' >"$environment/bin/mooring"
                chmod +x "$environment/bin/mooring"
            else
                "${pip[@]}" --no-deps --no-build-isolation --editable .
            fi
            ;;
        servers) need mariadbd mariadb-server-core my_print_defaults mariadb-client-core redis-server redis-server ;;
        scenarios)
            need mariadbd-safe mariadb-server ip iproute2 nft nftables faketime faketime dnsmasq dnsmasq-base promtool prometheus rsync rsync
            [ -e /usr/lib/galera/libgalera_smm.so ] || install galera-4
            ;;
        cluster)
            status=0 programs=
            if [ "$(id -u)" = 0 ]; then
                [ -x /usr/lib/cni/bridge ] || [ -x /opt/cni/bin/bridge ] || install containernetworking-plugins || status=$?
                need runc runc nsenter util-linux mount mount || status=$?
            else
                echo "not root: without a node, only what the tests of the API need" >&2
                programs=k8s
            fi
            PYTHONPATH=tools "$PYTHON" -m kube.build $programs || status=$?
            [ "$status" = 0 ] || exit "$status"
            ;;
        schemas) PYTHONPATH=tools "$PYTHON" -m kube.schemas ;;
        image)
            if [ "$(id -u)" = 0 ]; then
                need buildah buildah podman podman runc runc mmdebstrap mmdebstrap
                [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || install debian-archive-keyring
                PYTHONPATH=tools "$PYTHON" -m lab.images >/dev/null
            else
                echo "not root: no image is built" >&2
            fi
            ;;
        fresh)
            need mmdebstrap mmdebstrap
            [ "$(uname -m)" = aarch64 ] || need qemu-aarch64-static qemu-user-static
            [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || install debian-archive-keyring
            ;;
        systemd) [ "$(id -u)" != 0 ] || PYTHONPATH=tools "$PYTHON" -m lab.installed >/dev/null ;;
        matrix) servers always ;;
        every-server) servers ;;
        browser)
            need chromium chromium
            [ -e /usr/share/fonts/truetype/dejavu ] || install fonts-dejavu-core
            ;;
        bench) need haproxy haproxy ;;
        *) echo "bootstrap.sh: unknown step $1" >&2; exit 2 ;;
    esac
    shift
done
