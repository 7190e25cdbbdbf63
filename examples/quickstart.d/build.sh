# shellcheck shell=bash disable=SC2034
# Sourced with `root` set. Installs what is missing, builds, and sets the programs: module, stream_module,
# agent, backends, load. LEASTWISE_BUILD names a build folder that has them; nothing is installed or built then.
: "${root:?the folder of the sources}"
if [ -n "${LEASTWISE_BUILD:-}" ]; then
  build=$LEASTWISE_BUILD
else
  build=$root/build/quickstart
  "$root/.ci/install"
  echo "building (log: $build/build.log)"
  mkdir -p "$build"
  {
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo
    cmake --build "$build" --target ngx_http_leastwise_module ngx_stream_leastwise_module leastwise-spoa \
      leastwise-backends leastwise-load
  } > "$build/build.log" 2>&1 || { tail -n 40 "$build/build.log" >&2; exit 1; }
fi
find_built() { find "$build" -name "$1" -type f | head -n 1; }
module=$(find_built ngx_http_leastwise_module.so)
stream_module=$(find_built ngx_stream_leastwise_module.so)
agent=$(find_built leastwise-spoa)
backends=$(find_built leastwise-backends)
load=$(find_built leastwise-load)
