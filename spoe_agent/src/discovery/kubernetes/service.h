// ServiceWatch: the servers of one Service, as the API server says them: a LIST, then a WATCH from
// there, anew when that ends, with a LIST when the version is too old (410).
//
// What goes wrong costs a pause (Backoff, or what Retry-After says) and a line in the log, never a
// server: the last answer stands until there is a newer one.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_SERVICE_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_SERVICE_H_

#include <string>
#include <string_view>

#include "discovery/backoff.h"
#include "discovery/kubernetes/access.h"
#include "discovery/kubernetes/slices.h"
#include "discovery/source.h"
#include "net/transfers.h"

namespace leastwise::discovery::kubernetes {

struct ServiceName {
  std::string namespace_{};  // empty: that of the Access
  std::string name{};
  PortChoice port{};
  Family family = Family::kAuto;

  bool operator==(const ServiceName&) const = default;
};

class ServiceWatch final : public Source {
 public:
  // `zone`: the proxy's; empty: not known.
  ServiceWatch(ServiceName service, Access access, std::string zone, net::Transfers& transfers);
  ~ServiceWatch() override;
  ServiceWatch(const ServiceWatch&) = delete;
  ServiceWatch& operator=(const ServiceWatch&) = delete;

  TimePoint poll(TimePoint now) override;

 private:
  void list();
  void watch();
  net::Request request(const std::string& query, std::string& error) const;
  void on_list(const net::Answer& answer);
  bool on_piece(std::string_view piece);
  bool on_line(std::string_view line);
  void on_watch_end(const net::Answer& answer);
  // `reason` of answers that are of no use though they came.
  void fail(const net::Answer& answer, std::string_view reason = {});
  std::string reason_of(const net::Answer& answer) const;
  void publish();

  ServiceName service_;
  Access access_;
  std::string zone_;
  net::Transfers& transfers_;
  Slices slices_;
  Backoff backoff_;
  net::Transfers::Id running_ = 0;
  std::string version_;  // to watch from; empty: a list is due
  std::string line_;     // of the watch, so far
  std::string flaw_;     // of the watch, that ends it
  Duration pause_{};     // before the next request; counts from the next poll()
  TimePoint next_{};
  TimePoint since_{};       // of the running request
  bool has_ended_ = false;  // a watch, as it should
};

// The least that a Role must allow for that, as YAML for `kubectl apply -f`.
std::string role_for(const std::string& in_namespace, const std::string& account,
                     const std::string& account_namespace);

}  // namespace leastwise::discovery::kubernetes

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_SERVICE_H_
