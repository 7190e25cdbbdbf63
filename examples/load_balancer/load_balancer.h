// LoadBalancer: requests of one process, spread over servers by the Leastwise core.
//
//   LoadBalancer balancer({"10.0.0.1:8080", "10.0.0.2:8080"});   // least response time first
//   balancer.use("adaptive");                                    // the one line more
//   Response response = balancer.request("/");
//
// Thread safe: threads wait for each other while a server is picked, never while one is asked.
#ifndef LEASTWISE_EXAMPLES_LOAD_BALANCER_H_
#define LEASTWISE_EXAMPLES_LOAD_BALANCER_H_

#include <leastwise/picker.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct Response {
  std::string server;  // who answered, or failed last
  long status = 0;     // 0: there was no answer
  std::string body;
};

class LoadBalancer {
 public:
  // Servers as "host:port". Throws std::invalid_argument when there is none.
  explicit LoadBalancer(std::vector<std::string> servers, std::string_view policy = "least_time");

  // By any policy of docs/directives.md. Throws std::invalid_argument, which names them.
  void use(std::string_view policy);

  // The server that is to be asked now. It counts as asked until the result is told; `tried` keeps
  // those of one request, which are not picked again. A false ticket: none is left.
  leastwise::Ticket get_server(leastwise::Tried& tried);
  void tell(const leastwise::Ticket& ticket, const leastwise::Outcome& outcome);
  const std::string& name(const leastwise::Ticket& ticket) const { return servers_[ticket.member]; }

  // GET of `path`. A server that can not be reached is passed over for the next.
  Response request(const std::string& path);

  // w_i = d_i / Σ d_j by what was learned, in the order of the servers: policy `weighted`.
  std::vector<double> weights();

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };

  std::vector<std::string> servers_;
  std::unique_ptr<std::byte[], Free> shared_, own_;  // of the pool, of the picker
  std::mutex lock_;
  leastwise::Config config_;
  leastwise::Pool pool_;
  leastwise::Picker picker_;
};

#endif  // LEASTWISE_EXAMPLES_LOAD_BALANCER_H_
