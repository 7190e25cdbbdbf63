#include "haproxy/adoption_models.h"

#include <algorithm>
#include <charconv>

#include "haproxy/adopted.h"
#include "leastwise/policy.h"
#include "leastwise/prompt.h"

namespace leastwise::agent {
namespace {

// Left for headers, which are in the same buffer, and what may be added to them.
constexpr std::size_t kForHeaders = 4096;

constexpr std::string_view kOfStream = "{ res.hdr(content-type) -m beg text/event-stream }";

}  // namespace

bool is_of_models(const AgentConfig* agent, std::string_view backend) noexcept {
  return agent != nullptr && std::ranges::any_of(agent->backends, [&](const BackendConfig& b) {
           const Policy* policy = b.settings.policy;
           return b.name == backend && policy != nullptr && policy->name == "inference";
         });
}

std::size_t buffer_size(std::span<const HaproxyLine> global) noexcept {
  std::size_t size = 0;
  for (const HaproxyLine& line : global) {
    if (!line.begins({"tune.bufsize"})) continue;
    const std::string_view text = line.word(1);
    std::from_chars(text.data(), text.data() + text.size(), size);
  }
  return size;
}

std::size_t prompt_points(std::size_t buffer) noexcept {
  std::size_t n = 0;
  while (n < PromptPoints::kMost && PromptPoints::bytes(n) + kForHeaders <= buffer) ++n;
  return n;
}

// The whole time is the server's: `timeout server` ends it, as it would without the rule. Without
// http-no-delay HAProxy lets events gather.
std::vector<std::string> model_lines(const HaproxySection& backend, std::string_view engine) {
  std::vector<std::string> lines;
  for (const std::string option : {"http-buffer-request", "http-no-delay"}) {
    if (backend.find({"option", option}) == nullptr) lines.push_back("option " + option);
  }
  if (!has_line(backend, {"http-response", "wait-for-body"})) {
    lines.push_back("http-response wait-for-body time 1h at-least 1 if { status 200 } " +
                    std::string(kOfStream));
  }
  if (!has_line(backend, {"http-response", "send-spoe-group"})) {
    lines.push_back("http-response send-spoe-group " + std::string(engine) +
                    " leastwise-token if { var(txn.leastwise.srv) -m found } { status 200 } " +
                    std::string(kOfStream));
  }
  return lines;
}

}  // namespace leastwise::agent
