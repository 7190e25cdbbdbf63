// AgentZones: tells leastwise-spoa which servers of a backend are in another zone than the proxy,
// by its control (docs/control.md). HAProxy itself has no zones.
//
// Looks each second what the agent has, and at once when it should have something else; so an agent
// that was started anew is told again. What is not known is left as it is.
#ifndef LEASTWISE_SPOE_AGENT_DRIVE_AGENT_ZONES_H_
#define LEASTWISE_SPOE_AGENT_DRIVE_AGENT_ZONES_H_

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/targets.h"
#include "net/transfers.h"

namespace leastwise::drive {

struct AgentControl {
  std::string address;     // "127.0.0.1:9878", the agent's `status`
  std::string token_file;  // the agent's `control_token_file`: one line

  bool operator==(const AgentControl&) const = default;
};

// A server of HAProxy that is to be told where it is.
struct Placing {
  std::string server;  // its name
  bool remote = false;

  bool operator==(const Placing&) const = default;
};
// Of the agent's answer to GET …/servers, those that differ. False when it is no such answer.
bool placings_of(std::string_view text, const discovery::Targets& wanted,
                 std::vector<Placing>& out);

class AgentZones {
 public:
  AgentZones(AgentControl control, std::string backend, net::Transfers& transfers);
  ~AgentZones();
  AgentZones(const AgentZones&) = delete;
  AgentZones& operator=(const AgentZones&) = delete;

  void want(const discovery::Targets& targets);
  // Does what is due, and says when something is due again.
  TimePoint poll(TimePoint now);

 private:
  void look();
  void on_servers(const net::Answer& answer);
  void place();
  void fail(std::string why);
  bool start(std::string method, const std::string& path, std::string body,
             net::Transfers::Done done);

  AgentControl control_;
  std::string backend_;
  net::Transfers& transfers_;
  discovery::Targets wanted_;  // those whose place is known
  std::deque<Placing> placings_;
  net::Transfers::Id running_ = 0;
  std::string trouble_;
  TimePoint next_{};
  bool waits_ = false;  // until next_, which counts from the next poll()
};

}  // namespace leastwise::drive

#endif  // LEASTWISE_SPOE_AGENT_DRIVE_AGENT_ZONES_H_
