// ORCA: reads the load report that a server sends with an answer. The format is that of CNCF xDS
// (orca_load_report.proto) as Envoy, gRPC, vLLM and Triton write it.
//
// All that is read here comes from a network. A report is refused as a whole when it can not be
// read, has a figure that is negative, not finite, or a share above 1, the same figure twice, or
// no figure at all. Figures that nobody asked for only have to be numbers.
//
// Pure functions. JSON and BIN allocate; nothing is thrown.
#ifndef LEASTWISE_REPORTS_ORCA_H_
#define LEASTWISE_REPORTS_ORCA_H_

#include <cstddef>
#include <string_view>

#include "leastwise/config.h"
#include "leastwise/load_report.h"

namespace leastwise {

inline constexpr std::size_t kMostReportBytes = 4096;  // of a header; longer ones are refused

inline constexpr std::string_view kOrcaHeader = "endpoint-load-metrics";
inline constexpr std::string_view kOrcaBinHeader = "endpoint-load-metrics-bin";

// The value of kOrcaHeader: "TEXT cpu_utilization=0.3, named_metrics.queue=2", "JSON {…}" or
// "BIN base64"; without a word in front it is TEXT. O(size).
LoadReport read_orca(std::string_view value, const ReportMetric& metric) noexcept;

// The value of kOrcaBinHeader, a gRPC trailer: base64 of a protobuf message.
LoadReport read_orca_bin(std::string_view value, const ReportMetric& metric) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_REPORTS_ORCA_H_
