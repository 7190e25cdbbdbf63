#include "sharing/report.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace leastwise::sharing {
namespace {

constexpr std::string_view kName = "LWS1";
constexpr std::size_t kHead = 24;
constexpr std::size_t kEach = 8;
constexpr float kPerRequest = 16;
constexpr float kPerSecond = 1000;

template <typename T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> 8 * i & 0xff);
}

template <typename T>
T get(std::string_view bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | T{static_cast<unsigned char>(bytes[at + i])} << 8 * i);
  }
  return value;
}

std::uint16_t whole(float x) noexcept {
  constexpr float kMost = 65535;
  return x > 0 ? static_cast<std::uint16_t>(std::min(x + 0.5F, kMost)) : std::uint16_t{0};
}

}  // namespace

std::uint32_t hash_of(std::string_view server) noexcept {
  return static_cast<std::uint32_t>(XXH64(server.data(), server.size(), 0));
}

std::string encode(const Report& report) {
  const std::size_t n = std::min(report.servers.size(), kMostServers);
  std::string out(kName);
  out.reserve(kHead + n * kEach);
  put(out, static_cast<std::uint32_t>(n));
  put(out, report.number);
  put(out, report.life);
  for (std::size_t i = 0; i < n; ++i) {
    const ServerReport& server = report.servers[i];
    put(out, server.server);
    put(out, whole(server.requests * kPerRequest));
    put(out, whole(server.work * kPerSecond));
  }
  return out;
}

std::optional<Report> decode(std::string_view bytes) {
  if (bytes.size() < kHead || !bytes.starts_with(kName)) return {};
  const auto n = get<std::uint32_t>(bytes, 4);
  if (n > kMostServers || bytes.size() != kHead + n * kEach) return {};
  Report report{.life = get<std::uint64_t>(bytes, 16), .number = get<std::uint64_t>(bytes, 8)};
  report.servers.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = kHead + i * kEach;
    report.servers.push_back({.server = get<std::uint32_t>(bytes, at),
                              .requests = get<std::uint16_t>(bytes, at + 4) / kPerRequest,
                              .work = get<std::uint16_t>(bytes, at + 6) / kPerSecond});
  }
  return report;
}

}  // namespace leastwise::sharing
