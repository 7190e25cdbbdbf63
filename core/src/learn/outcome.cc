#include "leastwise/outcome.h"

#include <array>

namespace leastwise {
namespace {

constexpr std::array<std::string_view, kResults> kNames = {
    "ok", "server_error", "refused", "reset", "truncated", "timeout", "client_gone", "cancelled"};

}  // namespace

std::string_view name(Result result) noexcept {
  const auto i = static_cast<std::size_t>(result);
  return i < kNames.size() ? kNames[i] : "unknown";
}

}  // namespace leastwise
