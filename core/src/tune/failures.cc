#include "leastwise/failures.h"

#include <algorithm>

#include "tune/number.h"

namespace leastwise {
namespace {

constexpr std::int32_t kUnknown = 2;

constexpr std::uint32_t bit(std::int32_t code) noexcept { return 1U << code; }
constexpr std::uint32_t kAlways = bit(1) | bit(kUnknown) | bit(4) | bit(8) | bit(13) | bit(14);

// False unless all of `text` behind `prefix` is a number of that range.
bool read(std::string_view prefix, std::string_view text, std::uint32_t least, std::uint32_t most,
          std::uint32_t& out) noexcept {
  if (text.size() < prefix.size()) return false;
  if (!std::equal(prefix.begin(), prefix.end(), text.begin())) return false;
  text.remove_prefix(prefix.size());
  return read_number(text, least, most, out);
}

}  // namespace

std::int32_t read_grpc_status(std::string_view text) noexcept {
  std::uint32_t code = 0;
  return read("", text, 0, Failures::kMostGrpc, code) ? static_cast<std::int32_t>(code) : kUnknown;
}

Status Failures::add(std::string_view text) noexcept {
  std::uint32_t number = 0;
  if (read("http_", text, kLeastHttp, kMostHttp, number)) {
    http_[number / 64] |= std::uint64_t{1} << number % 64;
    return {};
  }
  if (read("grpc_", text, 1, kMostGrpc, number)) {
    grpc_ |= 1U << number;
    return {};
  }
  return {Status::Code::kBadValue, "neither http_NNN nor grpc_N"};
}

bool Failures::contains(std::uint16_t http, std::int32_t grpc) const noexcept {
  if (http >= 500) return true;
  if ((http_[http / 64] >> http % 64 & 1) != 0) return true;
  if (grpc < 0 || grpc > static_cast<std::int32_t>(kMostGrpc)) return false;
  return ((kAlways | grpc_) & bit(grpc)) != 0;
}

}  // namespace leastwise
