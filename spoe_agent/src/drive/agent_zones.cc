#include "drive/agent_zones.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "serve/log.h"

namespace leastwise::drive {
namespace {

using agent::log;
using agent::LogLevel;
using Json = nlohmann::json;

constexpr Duration kPeriod = std::chrono::seconds(1);
constexpr Duration kTimeout = std::chrono::seconds(5);

// Read each time: it may have been replaced.
std::string read_token(const std::string& path, std::string& error) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!file || !std::getline(file, line)) error = path + ": " + std::strerror(errno);
  return line;
}

// {"error":{"text":…}}
std::string text_of(const net::Answer& answer) {
  if (answer.status == 0) return answer.error;
  const Json body = Json::parse(answer.body, nullptr, false);
  std::string text = std::to_string(answer.status);
  if (!body.is_object() || !body.contains("error") || !body["error"].is_object()) return text;
  const auto said = body["error"].find("text");
  if (said != body["error"].end() && said->is_string()) text += ' ' + said->get<std::string>();
  return text;
}

}  // namespace

bool placings_of(std::string_view text, const discovery::Targets& wanted,
                 std::vector<Placing>& out) {
  const Json list = Json::parse(text, nullptr, false);
  if (!list.is_array()) return false;
  out.clear();
  for (const Json& item : list) {
    if (!item.is_object() || !item.contains("server") || !item["server"].is_string()) return false;
    if (!item.contains("remote") || !item["remote"].is_boolean()) return false;
    const std::string server = item["server"].get<std::string>();  // "s1@10.0.0.1:80"
    const std::size_t at = server.find('@');
    if (at == server.npos) continue;
    const auto found = wanted.find(std::string_view(server).substr(at + 1));
    if (found == wanted.end() || *found->second.remote == item["remote"].get<bool>()) continue;
    out.push_back({.server = server.substr(0, at), .remote = *found->second.remote});
  }
  return true;
}

AgentZones::AgentZones(AgentControl control, std::string backend, net::Transfers& transfers)
    : control_(std::move(control)), backend_(std::move(backend)), transfers_(transfers) {}

AgentZones::~AgentZones() { transfers_.cancel(running_); }

void AgentZones::want(const discovery::Targets& targets) {
  wanted_ = targets;
  std::erase_if(wanted_, [](const auto& t) { return !t.second.remote; });
  next_ = {};
}

TimePoint AgentZones::poll(TimePoint now) {
  if (running_ != 0 || wanted_.empty()) return TimePoint::max();
  if (std::exchange(waits_, false)) next_ = now + kPeriod;
  if (now < next_) return next_;
  look();
  return running_ != 0 ? TimePoint::max() : now + kPeriod;
}

bool AgentZones::start(std::string method, const std::string& path, std::string body,
                       net::Transfers::Done done) {
  std::string error;
  const std::string token = read_token(control_.token_file, error);
  if (!error.empty()) {
    fail(std::move(error));
    return false;
  }
  running_ = transfers_.start(
      {.method = std::move(method),
       .url = "http://" + control_.address + "/control/9/haproxy/upstreams/" + backend_ +
              "/servers" + path,
       .body = std::move(body),
       .headers = {"Authorization: Bearer " + token, "Content-Type: application/json"},
       .timeout = kTimeout},
      std::move(done));
  return true;
}

void AgentZones::look() {
  start("GET", "", {}, [this](const net::Answer& a) { on_servers(a); });
}

void AgentZones::on_servers(const net::Answer& answer) {
  running_ = 0;
  if (answer.status != 200) return fail(text_of(answer));
  std::vector<Placing> found;
  if (!placings_of(answer.body, wanted_, found))
    return fail("the answer is not that of its control");
  if (!std::exchange(trouble_, {}).empty()) {
    log(LogLevel::kInfo, {"backend ", backend_, ": the agent answers again"});
  }
  placings_.assign(found.begin(), found.end());
  place();
}

// A server that is gone meanwhile is no trouble: it is looked at again.
void AgentZones::place() {
  if (placings_.empty()) {
    waits_ = true;
    return;
  }
  const Placing placing = std::move(placings_.front());
  placings_.pop_front();
  start("PATCH", '/' + placing.server,
        placing.remote ? R"({"remote":true})" : R"({"remote":false})",
        [this](const net::Answer& a) {
          running_ = 0;
          if (a.status != 200 && a.status != 404) return fail(text_of(a));
          place();
        });
}

void AgentZones::fail(std::string why) {
  placings_.clear();
  waits_ = true;
  if (why == trouble_) return;
  trouble_ = std::move(why);
  log(LogLevel::kWarning, {"backend ", backend_, ": zones: agent ", control_.address, ": ",
                           trouble_, "; it goes by \"locality\""});
}

}  // namespace leastwise::drive
