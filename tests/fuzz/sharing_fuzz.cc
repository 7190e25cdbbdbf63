// What lies in Redis is whatever anybody wrote there.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "sharing/gathering.h"
#include "sharing/report.h"

using namespace leastwise::sharing;

namespace {

// Of what is believed no figure is more than four balancers of the usual size have.
void check(const Report& report) {
  constexpr leastwise::TimePoint kNow{std::chrono::hours(1)};
  constexpr float kOwn = 10;
  Gathering others;
  others.take("other", report, kNow);
  std::vector<ServerReport> servers = report.servers;
  servers.push_back({.server = hash_of("10.0.0.1:80")});
  others.sum(servers, kOwn, kNow);
  float requests = 0;
  for (const ServerReport& s : servers) {
    if (!(s.requests >= 0) || !(s.work >= 0) || !std::isfinite(s.work)) std::abort();
    requests += s.requests;
  }
  if (!(requests <= 1.01F * Gathering::kMostTimes * kOwn)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(static_cast<const char*>(static_cast<const void*>(data)), size);
  const auto report = decode(bytes);
  if (!report) return 0;
  if (report->servers.size() > kMostServers || encode(*report) != bytes) std::abort();
  check(*report);
  return 0;
}
