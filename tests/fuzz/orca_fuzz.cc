// A load report is whatever a server, or who speaks for it, writes into a header.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "reports/orca.h"

using namespace leastwise;

namespace {

void check(const LoadReport& report) {
  for (const float figure : {report.cpu, report.memory, report.utilisation}) {
    const bool is_unknown = figure == LoadReport::kUnknown;
    if (!is_unknown && !(figure >= 0 && std::isfinite(figure))) std::abort();
    if (!is_unknown && report.state != LoadReport::State::kGood) std::abort();
  }
  if (report.memory > 1) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  for (const char* metric : {"on", "mem_utilization", "named_metrics.a", "utilization.gpu"}) {
    check(read_orca(text, {metric}));
    check(read_orca_bin(text, {metric}));
  }
  return 0;
}
