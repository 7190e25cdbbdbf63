// HaproxyDriver: the servers of a backend of HAProxy, by its runtime API.
//
// HAProxy can not be given a server without its configuration knowing a name for it, so the backend
// has slots: servers that are "disabled" there, as of "server-template app 200 127.0.0.1:1 check
// disabled". One that joins gets the address in a free slot and is made ready; one that leaves goes
// into maintenance, where what is in flight ends, and its slot is free. Other servers of the
// backend are left as they are.
#ifndef LEASTWISE_SPOE_AGENT_DRIVE_HAPROXY_H_
#define LEASTWISE_SPOE_AGENT_DRIVE_HAPROXY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "discovery/reconcile.h"
#include "drive/agent_zones.h"
#include "drive/driver.h"
#include "haproxy/runtime_client.h"

namespace leastwise::drive {

// Slots as members, those in maintenance as room, best first.
struct SlotView {
  std::vector<discovery::Member> members;
  std::vector<std::string> free;
};
SlotView view_slots(const agent::BackendInfo& backend);

// What HAProxy is told for these steps; those that find no room are left out.
std::vector<std::string> commands_for(const std::vector<discovery::Step>& steps,
                                      const std::string& backend, const SlotView& slots);

// A backup of HAProxy is one by its configuration: backups are used where there is nobody else.
discovery::Targets without_backups(const discovery::Targets& targets);

// What HAProxy answers to `set server … addr` when it did so.
bool is_said_of_success(std::string_view answer) noexcept;

class HaproxyDriver final : public Driver {
 public:
  // `zones`: none if no agent is to be told where servers are.
  HaproxyDriver(agent::Address socket, std::string backend, std::unique_ptr<AgentZones> zones = {});

  void want(const discovery::Targets& targets) override;
  TimePoint poll(TimePoint now) override;
  void add_descriptors(std::vector<pollfd>& out) const override;
  void on_ready(const pollfd& fd, TimePoint now) override;

 private:
  void on_servers();
  void on_told();
  void plan(const SlotView& slots);
  void leave_out(std::vector<discovery::Step>& steps, std::size_t free);
  void fail(std::string why);

  std::string backend_;
  agent::RuntimeClient client_;
  std::unique_ptr<AgentZones> zones_;
  std::optional<discovery::Targets> wanted_;
  discovery::Told told_;
  std::size_t lacking_ = 0;  // found no slot in the last plan
};

}  // namespace leastwise::drive

#endif  // LEASTWISE_SPOE_AGENT_DRIVE_HAPROXY_H_
