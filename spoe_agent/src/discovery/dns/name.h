// NameWatch: the servers that a name has in the DNS, by its A and AAAA records, or by SRV and the
// addresses of the hosts that those name.
//
// Asked again when the shortest TTL is over. Nothing that the DNS says empties the pool: a name
// that is gone for a moment and one that is gone for good look alike, and so do a Service without
// pods and a mistake. So a host that SRV records still name keeps its addresses, too.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_DNS_NAME_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_DNS_NAME_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "discovery/backoff.h"
#include "discovery/dns/resolver.h"
#include "discovery/source.h"

namespace leastwise::discovery::dns {

struct Name {
  std::string name{};
  std::uint16_t port = 0;  // none of SRV
  bool is_srv = false;
  Family family = Family::kAuto;
  std::string resolver{};  // empty: as the system

  bool operator==(const Name&) const = default;
};

// What hosts have: name -> addresses without ports.
using Hosts = std::map<std::string, std::vector<std::string>, std::less<>>;

// Of the lowest priority are servers, all others are their backups. Weights are 1 to 256, as
// HAProxy has them, and 1 if all are equal.
Targets targets_of(const std::vector<Record>& srv, const Hosts& hosts);

class NameWatch final : public Source {
 public:
  explicit NameWatch(Name name);

  TimePoint poll(TimePoint now) override;
  void add_descriptors(std::vector<pollfd>& out) const override;
  void on_ready(const pollfd& fd, TimePoint now) override;

 private:
  void begin();
  void ask_host(const std::string& host);
  void ask_address(const std::string& host, Type type);
  void on_srv(Reply reply);
  void on_address(const std::string& host, Type type, Reply reply);
  void keep_known();
  void end_of_one();
  void end();
  void take(Targets targets);
  Duration pause();

  Name name_;
  std::unique_ptr<Resolver> resolver_;
  Backoff backoff_;
  std::vector<Record> services_;  // of this round; of a plain name one, for itself
  Hosts hosts_;                   // of this round
  Hosts known_;                   // of those before, for a host that has none now
  std::size_t open_ = 0;          // questions
  Duration ttl_{};
  std::string error_;                        // of this round; empty: it is whole
  std::map<std::string, std::string> kept_;  // hosts whose addresses are known_ -> why
  bool is_due_ = true, has_ended_ = false;
  TimePoint next_{};
};

}  // namespace leastwise::discovery::dns

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_DNS_NAME_H_
