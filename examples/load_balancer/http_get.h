// One request by libcurl, and what it says of the server that was asked.
#ifndef LEASTWISE_EXAMPLES_HTTP_GET_H_
#define LEASTWISE_EXAMPLES_HTTP_GET_H_

#include <leastwise/outcome.h>

#include <string>

struct Got {
  long status = 0;
  std::string body;
  leastwise::Outcome outcome;
};

// Connections are kept, by each thread its own. Gives up after 10 s.
Got http_get(const std::string& url);

#endif  // LEASTWISE_EXAMPLES_HTTP_GET_H_
