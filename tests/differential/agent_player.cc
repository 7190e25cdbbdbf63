// The agent from a NOTIFY's bytes to an ACK's, and from HAProxy's log line to what is learned.
#include <arpa/inet.h>

#include <array>
#include <chrono>
#include <map>
#include <stdexcept>

#include "balance/feedback.h"
#include "balance/pick_handler.h"
#include "balance/registry.h"
#include "balance/state_store.h"
#include "config/file.h"
#include "player.h"
#include "serve/counters.h"
#include "serve/sockets.h"
#include "spop/reader.h"
#include "spop/writer.h"

namespace leastwise::differential {
namespace {

using namespace agent;

TimePoint at(std::int64_t ms) { return TimePoint(std::chrono::milliseconds(ms)); }

BackendInfo info_of(const std::vector<TraceServer>& servers) {
  BackendInfo info{.name = "app", .servers = {}};
  for (const TraceServer& server : servers) {
    info.servers.push_back(
        {.name = server.name, .address = server.name, .settings = {.weight = server.weight}});
  }
  return info;
}

// HAProxy's words for it.
struct Said {
  std::string fields;
  bool has_header = true;
};

Said what_is_logged(const std::string& how) {
  const std::map<std::string, Said> all = {
      {"ok", {" st=200 tsc=---- len=2"}},          {"error", {" st=500 tsc=---- len=2"}},
      {"missing", {" st=404 tsc=---- len=2"}},     {"moved", {" st=302 tsc=---- len=2"}},
      {"empty", {" st=200 tsc=---- len=0"}},       {"nothing", {" st=204 tsc=---- len=-"}},
      {"cut", {" st=200 tsc=SD-- len=9"}},         {"left", {" st=-1 tsc=CH-- len=-", false}},
      {"reset", {" st=502 tsc=SH-- len=-", false}}};
  return all.at(how);
}

class AgentPlayer final : public Player {
 public:
  AgentPlayer(const AgentConfig& config, const std::vector<TraceServer>& servers)
      : servers_(servers),
        registry_(config.backends, store_),
        wake_(make_event()),
        handler_(registry_, ring_, wake_, picks_) {
    for (const TraceServer& server : servers_) {
      counts_.push_back({.backend = "app", .server = server.name, .in_flight = 0});
    }
    registry_.configure(config.backends, feedback_, at(0));
    app().update(info_of(servers), registry_.gate(), feedback_, at(0));
  }

  int pick(std::int64_t ms, const Asked& asked) override {
    handler_.begin(at(ms), false);
    spop::Buffer question, answer;
    write(asked, question);
    spop::Reader reader = payload_of(question);
    spop::Writer ack(answer, {.type = spop::FrameType::kAck}, spop::kMaxFrameSize);
    spop::Actions actions(ack);
    handler_.on_notify(spop::Messages(reader.rest()), actions);
    if (!ack.finish()) throw std::runtime_error("no ACK");
    const int server = server_in(payload_of(answer));
    if (asked.id >= picked_.size()) picked_.resize(asked.id + 1);
    picked_[asked.id] = server;
    if (server >= 0) ++counts_[static_cast<std::size_t>(server)].in_flight;
    return server;
  }

  void done(std::int64_t ms, const Ended& ended) override {
    const auto server = static_cast<std::size_t>(picked_[ended.id]);
    const std::string took = std::to_string(ended.took_ms);
    const Said said = what_is_logged(ended.how);
    --counts_[server].in_flight;
    feedback_.on_line("leastwise id=" + std::to_string(ended.id) + " s=" + servers_[server].name +
                          said.fields + " Tw=0 Tc=0 Tr=" + (said.has_header ? took : "-1") +
                          " Ta=" + took + " B=200 U=100 rc=0 report=" + ended.report,
                      at(ms));
  }

  void tick(std::int64_t ms) override {
    tell_counts(at(ms));
    feedback_.expire(at(ms));
    app().tick(at(ms));
    app().tick_script(registry_.gate(), at(ms));
  }

 private:
  // What HAProxy has in flight, as the runtime API says it.
  void tell_counts(TimePoint now) {
    feedback_.drain(now);
    app().begin_counts();
    app().note_counts(counts_, now);
  }

  Backend& app() { return *registry_.backends().front(); }

  static spop::Reader payload_of(const spop::Buffer& frame) {
    spop::Reader reader(frame.bytes().subspan(spop::kLengthSize));
    spop::read_header(reader);
    return reader;
  }

  static void write(const Asked& asked, spop::Buffer& out) {
    const std::string id = std::to_string(asked.id);
    std::array<std::uint8_t, 4> client{};
    inet_pton(AF_INET, asked.client.c_str(), client.data());
    spop::Writer writer(out, {.type = spop::FrameType::kNotify}, spop::kMaxFrameSize);
    writer.string("leastwise-pick");
    writer.byte(static_cast<std::uint8_t>(6 + asked.headers.size()));
    writer.item("id", spop::Value::string(id));
    writer.item("backend", spop::Value::string("app"));
    writer.item("method", spop::Value::string("GET"));
    writer.item("path", spop::Value::string(asked.path));
    writer.item("route", spop::Value::string(asked.path));
    spop::Value address;
    address.type = spop::ValueType::kIpv4;
    address.bytes = {static_cast<const char*>(static_cast<const void*>(client.data())), 4};
    writer.item("src", address);
    for (const auto& [name, value] : asked.headers) writer.item(name, spop::Value::string(value));
    if (!writer.finish()) throw std::runtime_error("too long for a NOTIFY");
  }

  // The number of the server in the first action: set-var, three arguments, scope, "srv", a string.
  int server_in(spop::Reader ack) const {
    constexpr std::size_t kBeforeName = 8;  // "\x01\x03\x02\x03srv\x08"
    const auto rest = ack.rest();
    if (rest.size() <= kBeforeName) return -1;
    const std::size_t size = rest[kBeforeName];
    const std::string name(rest.begin() + kBeforeName + 1,
                           rest.begin() + kBeforeName + 1 + static_cast<std::ptrdiff_t>(size));
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (servers_[i].name == name) return static_cast<int>(i);
    }
    throw std::runtime_error("unknown server " + name);
  }

  std::vector<TraceServer> servers_;
  std::vector<ServerCounts> counts_;  // in flight, by server
  std::vector<int> picked_;           // by id
  StateStore store_{""};
  Registry registry_;
  TicketRing ring_{1024};
  FeedbackCounters counters_;
  Feedback feedback_{ring_, counters_};
  Fd wake_;
  PickCounters picks_;
  PickHandler handler_;
};

}  // namespace

std::unique_ptr<Player> make_agent(const std::string& config,
                                   const std::vector<TraceServer>& servers) {
  return std::make_unique<AgentPlayer>(agent::read_config_file(config), servers);
}

}  // namespace leastwise::differential
