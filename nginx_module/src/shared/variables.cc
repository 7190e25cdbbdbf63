#include "shared/variables.h"

#include <array>
#include <cmath>

namespace leastwise::nginx {

void print_seconds(std::int64_t us, Text& out) noexcept {
  if (us < 0) {
    out << '-';
    return;
  }
  std::array<u_char, 32> digits;
  const u_char* end =
      ngx_snprintf(digits.data(), digits.size(), "%L.%06L", us / 1'000'000, us % 1'000'000);
  out << std::string_view(reinterpret_cast<const char*>(digits.data()),
                          static_cast<std::size_t>(end - digits.data()));
}

namespace {

void print_endpoint(const Try& t, Text& out) noexcept { out << view(t.server); }
// Of who does not only watch, and as long as nothing is learned, there is none.
void print_shadow(const Try& t, Text& out) noexcept {
  out << (t.shadow.len == 0 ? std::string_view("-") : view(t.shadow));
}
void print_reason(const Try& t, Text& out) noexcept { out << name(t.ticket.reason); }
void print_predicted(const Try& t, Text& out) noexcept {
  print_seconds(t.ticket.delay > 0 ? std::lround(t.ticket.delay * 1e6F) : -1, out);
}
void print_first_byte(const Try& t, Text& out) noexcept {
  print_seconds(t.first_byte.count(), out);
}
void print_score(const Try& t, Text& out) noexcept { out << double{t.ticket.score}; }
void print_inflight(const Try& t, Text& out) noexcept { out << t.ticket.in_flight; }

constexpr Variable kVariables[] = {
    {"leastwise_endpoint", print_endpoint},
    {"leastwise_reason", print_reason},
    {"leastwise_predicted_time", print_predicted},
    {"leastwise_first_byte_time", print_first_byte},
    {"leastwise_score", print_score},
    {"leastwise_inflight", print_inflight},
    {"leastwise_shadow_endpoint", print_shadow},
};

}  // namespace

std::span<const Variable> variables() noexcept { return kVariables; }

void print_tries(const Try& first, const Variable& variable, Text& out) noexcept {
  for (const Try* t = &first; t != nullptr; t = t->next) {
    if (t != &first) out << ", ";
    variable.print(*t, out);
  }
}

}  // namespace leastwise::nginx
