#include "drive/nginx.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "serve/log.h"

namespace leastwise::drive {
namespace {

using agent::log;
using agent::LogLevel;
using discovery::Action;
using discovery::Member;
using discovery::State;
using discovery::Step;
using Json = nlohmann::json;

constexpr Duration kPeriod = std::chrono::seconds(1);
constexpr Duration kTimeout = std::chrono::seconds(5);
// On a busy machine each takes its turn of the scheduler, there and back: 197 of them one after the
// other took 2.4 s where all together are 20 ms of work.
constexpr std::size_t kMostAtOnce = 16;

template <typename Value>
Value value_in(const Json& object, const char* key, Value standard) {
  const auto found = object.find(key);
  if (found == object.end()) return standard;
  if constexpr (std::is_same_v<Value, bool>) {
    return found->is_boolean() ? found->get<bool>() : standard;
  } else if constexpr (std::is_same_v<Value, std::string>) {
    return found->is_string() ? found->get<std::string>() : standard;
  } else {
    return found->is_number_unsigned() ? found->get<Value>() : standard;
  }
}

// What is said of a refusal: {"error":{"text":…,"code":…}}, or a page of nginx itself.
std::string error_in(const std::string& body, const char* key) {
  const Json answer = Json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("error") || !answer["error"].is_object()) return {};
  return value_in(answer["error"], key, std::string());
}

}  // namespace

bool parse_servers(std::string_view text, std::vector<Member>& out) {
  const Json list = Json::parse(text, nullptr, false);
  if (!list.is_array()) return false;
  out.clear();
  for (const Json& item : list) {
    if (!item.is_object() || !item.contains("id") || !item["id"].is_number_unsigned()) return false;
    const auto own = item.find("leastwise");
    const Json& more = own != item.end() && own->is_object() ? *own : item;
    out.push_back({.id = std::to_string(item["id"].get<std::uint64_t>()),
                   .address = value_in(item, "server", std::string()),
                   .state = value_in(item, "drain", false) ? State::kDraining : State::kUp,
                   .backup = value_in(item, "backup", false),
                   .ours = value_in(more, "added", false),
                   .remote = value_in(item, "remote", false)});
  }
  return true;
}

NginxDriver::NginxDriver(NginxUpstream upstream, net::Transfers& transfers)
    : upstream_(std::move(upstream)),
      pool_((upstream_.is_stream ? "stream " : "upstream ") + upstream_.name),
      transfers_(transfers) {}

NginxDriver::~NginxDriver() {
  transfers_.cancel(look_);
  for (const Running& r : running_) transfers_.cancel(r.id);
}

void NginxDriver::want(const discovery::Targets& targets) {
  wanted_ = targets;
  is_asked_ = is_changed_ = true;
  figures_.is_settled = false;
}

TimePoint NginxDriver::poll(TimePoint now) {
  if (!is_asked_ || look_ != 0 || !running_.empty()) return TimePoint::max();
  if (std::exchange(waits_, false)) next_ = now + kPeriod;
  // Who could not be reached is not asked more often because more is wanted.
  if (now < next_ && (!is_changed_ || !trouble_.empty())) return next_;
  look();
  return TimePoint::max();
}

net::Request NginxDriver::request(std::string method, const std::string& path,
                                  std::string body) const {
  return {.method = std::move(method),
          .url = std::string("http://localhost/9/") + (upstream_.is_stream ? "stream" : "http") +
                 "/upstreams/" + upstream_.name + "/servers" + path,
          .unix_socket = upstream_.socket,
          .body = std::move(body),
          .headers = {"Content-Type: application/json"},
          .timeout = kTimeout};
}

void NginxDriver::look() {
  is_changed_ = has_refused_ = has_no_room_ = has_failed_ = has_new_refusal_ = false;
  refused_.clear();
  steps_.clear();
  ++figures_.asked;
  look_ = transfers_.start(request("GET", ""), [this](const net::Answer& a) { on_servers(a); });
}

void NginxDriver::on_servers(const net::Answer& answer) {
  look_ = 0;
  std::vector<Member> present;
  if (answer.status != 200 || !answer.error.empty()) {
    return fail(answer.status == 0
                    ? answer.error
                    : std::to_string(answer.status) + " " + error_in(answer.body, "text"));
  }
  if (!parse_servers(answer.body, present)) {
    return fail("the answer is not that of leastwise_control");
  }
  if (!trouble_.empty()) {
    log(LogLevel::kInfo, {pool_, ": nginx answers again"});
    refusals_.clear();  // or that would be the last line, though it still refuses
  }
  trouble_.clear();
  figures_.servers =
      static_cast<std::size_t>(std::ranges::count_if(present, [](auto& m) { return m.ours; }));
  discovery::adopt(wanted_, present, told_);
  is_tight_ = std::exchange(is_full_, false);
  const std::size_t room = is_tight_ ? 0 : SIZE_MAX;
  for (Step& s : discovery::reconcile(wanted_, present, told_, room)) {
    steps_.push_back(std::move(s));
  }
  if (!steps_.empty()) return take_steps();
  figures_.is_settled = true;
  waits_ = true;
  if (refusals_.empty()) return;
  refusals_.clear();
  log(LogLevel::kInfo, {pool_, ": nginx refuses nothing any more"});
}

net::Request NginxDriver::request_of(const Step& step) const {
  const std::string at = "/" + step.id;
  Json body;
  switch (step.action) {
    case Action::kAdd:
      body = {{"server", step.address},
              {"weight", step.target.weight},
              {"backup", step.target.backup},
              {"drain", step.target.state == State::kDraining}};
      if (step.target.remote) body["remote"] = *step.target.remote;
      return request("POST", "", body.dump());
    case Action::kReady:
      return request("PATCH", at, R"({"drain":false})");
    case Action::kDrain:
      return request("PATCH", at, R"({"drain":true})");
    case Action::kWeigh:
      body = {{"weight", step.target.weight}};
      return request("PATCH", at, body.dump());
    case Action::kPlace:
      body = {{"remote", step.target.remote.value_or(false)}};
      return request("PATCH", at, body.dump());
    case Action::kRemove:
      break;
  }
  return request("DELETE", at);
}

void NginxDriver::take_steps() {
  while (!steps_.empty() && running_.size() < kMostAtOnce &&
         (running_.empty() || running_.front().step.action == steps_.front().action)) {
    const auto at = running_.insert(running_.end(), {.step = std::move(steps_.front())});
    steps_.pop_front();
    ++figures_.asked;
    at->id = transfers_.start(request_of(at->step),
                              [this, at](const net::Answer& a) { on_step(at, a); });
  }
}

void NginxDriver::on_step(std::list<Running>::iterator at, const net::Answer& answer) {
  const Step step = std::move(at->step);
  running_.erase(at);
  if (answer.status == 0) {
    fail(answer.error);
  } else if (answer.status / 100 == 2) {
    discovery::note(step, told_);
    count(step.action);
    log(LogLevel::kDebug, {pool_, ": ", step.address, " ", verb_of(step.action)});
  } else {
    refuse(step.address, answer);
  }
  // What is wanted since then is looked at anew.
  if (!is_changed_) take_steps();
  if (running_.empty()) end_round();
}

void NginxDriver::end_round() {
  log_changes(pool_, has_new_refusal_);
  if (has_failed_) return;
  // A round that makes room may have none, and the next one has them again.
  if (has_refused_ && !is_changed_) refusals_ = refused_;
  if (has_refused_ && !is_full_) {
    waits_ = true;
  } else {
    next_ = {};
  }
}

// Who was removed or added by another in between (404, 409) is no trouble: it is looked at again.
void NginxDriver::refuse(const std::string& what, const net::Answer& answer) {
  const std::string code = error_in(answer.body, "code");
  if (code == "UpstreamServerNotFound" || code == "UpstreamServerExists") return;
  ++figures_.refused;
  has_refused_ = true;
  const bool is_full = code == "UpstreamFull";
  // The first of those that were under way together has said so.
  if (is_full && std::exchange(has_no_room_, true)) return;
  log_refusal(what, std::to_string(answer.status) + " " + error_in(answer.body, "text"));
  if (!is_full) return;
  // The rest would be refused as well. Those who go make room one by one, if it was not so already.
  const bool can_make_room =
      std::ranges::any_of(steps_, [](const Step& s) { return s.action == Action::kRemove; });
  is_full_ = !is_tight_ && can_make_room;
  if (is_full_) {
    steps_.clear();
  } else {
    std::erase_if(steps_, [](const Step& s) { return s.action == Action::kAdd; });
  }
}

void NginxDriver::log_refusal(const std::string& what, const std::string& kind) {
  refused_.insert(kind);
  if (!refusals_.insert(kind).second) return;
  has_new_refusal_ = true;
  log(LogLevel::kWarning, {pool_, ": ", what, ": nginx refuses: ", kind});
}

void NginxDriver::fail(std::string why) {
  steps_.clear();
  ++figures_.unanswered;
  figures_.is_settled = false;
  waits_ = has_failed_ = true;
  if (why == trouble_) return;
  trouble_ = std::move(why);
  log(LogLevel::kWarning, {pool_, ": ", upstream_.socket, ": ", trouble_,
                           "; nginx goes on with the servers that it has"});
}

}  // namespace leastwise::drive
