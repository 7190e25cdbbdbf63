// Report: what one balancer tells the others of one pool, as bytes: 24 of head and 8 for each
// server.
//
//   0  4  "LWS1": the version is a part of the name
//   4  4  servers, at most kMostServers
//   8  8  number of the report: 1, 2, … of this life of the balancer
//  16  8  which life it is: drawn at its start
//  24  8  of each server, in any order:
//         4  the lower half of XXH64 of its name, by which all know it
//         2  requests in flight there, in sixteenths, by their average of the last second
//         2  their work in milliseconds, the same
//
// Little endian. Counts are whole numbers, so that there is no text, no infinity and no NaN to
// refuse. What is not exactly this long is refused as a whole.
#ifndef LEASTWISE_CORE_SHARING_REPORT_H_
#define LEASTWISE_CORE_SHARING_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leastwise::sharing {

inline constexpr std::size_t kMostServers = 4096;

// By which balancers that know the same server know it: the same in all builds and on all machines.
std::uint32_t hash_of(std::string_view server) noexcept;

struct ServerReport {
  std::uint32_t server = 0;  // hash_of()
  float requests = 0;        // in flight; at most 4095 are told
  float work = 0;            // of theirs, seconds; at most 65 are told

  bool operator==(const ServerReport&) const = default;
};

struct Report {
  std::uint64_t life = 0;
  std::uint64_t number = 0;
  std::vector<ServerReport> servers{};
};

std::string encode(const Report& report);
// Nothing where the bytes are no report of this version.
std::optional<Report> decode(std::string_view bytes);

}  // namespace leastwise::sharing

#endif  // LEASTWISE_CORE_SHARING_REPORT_H_
