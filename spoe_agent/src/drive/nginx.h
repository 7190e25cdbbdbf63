// NginxDriver: the servers of an upstream of nginx, by `leastwise_control` on a unix socket.
//
// Looks at them each second, and at once when others are wanted; takes the steps, up to 16 of a
// kind at a time, and looks again. One kind begins when the one before is done, so that nobody goes
// before those who come in his place are there. So whatever an nginx that was started anew, an
// operator or a refusal has changed is found out. docs/control.md
#ifndef LEASTWISE_SPOE_AGENT_DRIVE_NGINX_H_
#define LEASTWISE_SPOE_AGENT_DRIVE_NGINX_H_

#include <deque>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/reconcile.h"
#include "drive/driver.h"
#include "net/transfers.h"

namespace leastwise::drive {

struct NginxUpstream {
  std::string socket;  // path; leastwise_control is in its "location /"
  bool is_stream = false;
  std::string name;
};

// What GET …/servers answers; false when it is not that.
bool parse_servers(std::string_view text, std::vector<discovery::Member>& out);

class NginxDriver final : public Driver {
 public:
  NginxDriver(NginxUpstream upstream, net::Transfers& transfers);
  ~NginxDriver() override;
  NginxDriver(const NginxDriver&) = delete;
  NginxDriver& operator=(const NginxDriver&) = delete;

  void want(const discovery::Targets& targets) override;
  TimePoint poll(TimePoint now) override;

 private:
  struct Running {
    discovery::Step step;
    net::Transfers::Id id = 0;
  };

  void look();
  void on_servers(const net::Answer& answer);
  void take_steps();
  void on_step(std::list<Running>::iterator step, const net::Answer& answer);
  void end_round();
  void refuse(const std::string& what, const net::Answer& answer);
  // One line for each kind until the next look at which nothing is left to do.
  void log_refusal(const std::string& what, const std::string& kind);
  void fail(std::string why);
  net::Request request(std::string method, const std::string& path, std::string body = {}) const;
  net::Request request_of(const discovery::Step& step) const;

  NginxUpstream upstream_;
  const std::string pool_;  // as the companion's file has it: "stream lobby"
  net::Transfers& transfers_;
  discovery::Targets wanted_;
  bool is_asked_ = false;    // something is wanted
  bool is_changed_ = false;  // since the last look
  bool is_full_ = false;     // nginx had no room in the last round
  bool is_tight_ = false;    // so this round is planned for none
  // In this round: a step was refused, for want of room, was not answered.
  bool has_refused_ = false, has_no_room_ = false, has_failed_ = false;
  bool has_new_refusal_ = false;    // in this round, of a kind that was not logged
  std::set<std::string> refusals_;  // kinds that were logged, and last as far as is known
  std::set<std::string> refused_;   // kinds of this round
  discovery::Told told_;
  std::deque<discovery::Step> steps_;  // that are still to be taken
  std::list<Running> running_;         // that are under way
  net::Transfers::Id look_ = 0;        // that is under way
  TimePoint next_{};
  bool waits_ = false;  // until next_, which counts from the next poll()
};

}  // namespace leastwise::drive

#endif  // LEASTWISE_SPOE_AGENT_DRIVE_NGINX_H_
