#include "haproxy/adoption_weights.h"

#include <algorithm>
#include <string_view>

#include "haproxy/adopted.h"

namespace leastwise::agent {
namespace {

// Without an argument in brackets.
std::string_view method_of(const HaproxyLine* balance) noexcept {
  if (balance == nullptr) return "roundrobin";
  return balance->word(1).substr(0, balance->word(1).find('('));
}

bool has_limits(const HaproxySection& backend) noexcept {
  const auto has_limit = [](const HaproxyLine& line) {
    return (line.begins({"server"}) || line.begins({"server-template"}) ||
            line.begins({"default-server"})) &&
           std::ranges::find(line.words, "maxconn") != line.words.end();
  };
  return std::ranges::any_of(backend.lines, has_limit) ||
         std::ranges::any_of(backend.defaults, has_limit);
}

// `first` fills servers in their order; a table that is made once knows no weights at run time.
bool refuses_weights(std::string_view method, const HaproxySection& backend) noexcept {
  if (method == "static-rr" || method == "first") return true;
  if (method == "roundrobin" || method == "leastconn" || method == "random") return false;
  const HaproxyLine* type = backend.find({"hash-type"});
  return type == nullptr || type->word(1) != "consistent";
}

}  // namespace

std::vector<std::string> socket_lines(const StatsSocket& socket, bool needs_admin) {
  if (socket.line == nullptr) {
    return {"stats socket " + socket.address + " mode 660 level " +
            (needs_admin ? "admin" : "user")};
  }
  if (!needs_admin || socket.is_admin()) return {};
  return {"# instead of: " + socket.line->text, socket.admin_line()};
}

std::vector<std::string> weights_notes(const HaproxySection& backend) {
  std::vector<std::string> notes;
  const HaproxyLine* balance = backend.find({"balance"});
  const std::string_view method = method_of(balance);
  const std::string best = has_limits(backend) ? "balance leastconn" : "balance random(2)";
  if (refuses_weights(method, backend)) {
    notes.push_back("# note: \"" + balance->text + "\" knows no weights at run time; \"" + best +
                    "\" does");
  } else if (method == "roundrobin" || (method == "random" && has_limits(backend))) {
    notes.push_back("# note: weights gain most with \"" + best + '"');
  }
  if (const HaproxyLine* filter = our_filter(backend); filter != nullptr) {
    notes.push_back("# note: it still asks the agent: take out \"" + filter->text +
                    "\" and the lines use-server with leastwise");
  }
  return notes;
}

}  // namespace leastwise::agent
