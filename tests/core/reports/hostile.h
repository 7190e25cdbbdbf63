// Load reports as no honest server writes them.
#ifndef LEASTWISE_TESTS_CORE_REPORTS_HOSTILE_H_
#define LEASTWISE_TESTS_CORE_REPORTS_HOSTILE_H_

#include <string>
#include <vector>

namespace leastwise {

inline std::vector<std::string> hostile_reports() {
  const std::string nested = "JSON " + std::string(2000, '{') + std::string(2000, '}');
  const std::string arrays = "JSON {\"cpu_utilization\":" + std::string(3000, '[');
  return {
      "",
      " ",
      "TEXT",
      "TEXT ",
      "JSON",
      "JSON ",
      "BIN",
      "BIN ",
      "TEXT cpu_utilization",
      "TEXT cpu_utilization=",
      "TEXT =0.5",
      "TEXT cpu_utilization=nan",
      "TEXT cpu_utilization=-nan",
      "TEXT cpu_utilization=inf",
      "TEXT cpu_utilization=-inf",
      "TEXT cpu_utilization=-1",
      "TEXT cpu_utilization=-1e-300",
      "TEXT cpu_utilization=1e308",
      "TEXT cpu_utilization=1e999",
      "TEXT cpu_utilization=0x10",
      "TEXT cpu_utilization=+0.5",
      "TEXT cpu_utilization=0,5",
      "TEXT cpu_utilization=0.5,",
      "TEXT ,cpu_utilization=0.5",
      "TEXT cpu_utilization=0.1,cpu_utilization=0.9",
      "TEXT cpu_utilization=0.5 cpu_utilization=0.5",
      "TEXT mem_utilization=1.01",
      "TEXT cpu_utilization=0.5\r\nSet-Cookie: a=b",
      std::string("TEXT cpu_utilization=0.5\0", 25),
      "TEXT cpu_utilization=\xff\xfe",
      "TEXT .=1",
      "TEXT utilization.=1",
      "TEXT cpu_utilization=" + std::string(5000, '9'),
      std::string(10000, 'x'),
      "JSON {",
      "JSON {\"cpu_utilization\":\"0.5\"}",
      "JSON {\"cpu_utilization\":null}",
      "JSON {\"cpu_utilization\":true}",
      "JSON {\"cpu_utilization\":NaN}",
      "JSON {\"cpu_utilization\":1e999}",
      "JSON {\"cpu_utilization\":-0.5}",
      "JSON {\"cpu_utilization\":0.1,\"cpu_utilization\":0.9}",
      "JSON {\"cpu_utilization\":0.1,\"cpuUtilization\":0.9}",
      "JSON {\"cpu_utilization\":0.5}garbage",
      "JSON [0.5]",
      "JSON 0.5",
      "JSON {}",
      "JSON {\"named_metrics\":{\"a\":{\"b\":1}}}",
      nested,
      arrays,
      "BIN !!!!",
      "BIN A",
      "BIN CQAAAAAAAOA/CQAAAAAAAOA/",      // cpu_utilization twice
      "BIN CQAAAAAAAPh/",                  // NaN
      "BIN CQAAAAAAAPB//////w8=",          // infinite, and then cut short
      "BIN CQAAAAAA",                      // cut short
      "BIN //////////////////////////8=",  // a varint without end
      "BIN CAE=",                          // cpu_utilization as an integer
      "BIN CgE/",                          // and as text
      "BIN QAE=",                          // a map that is an integer
      "BIN QgUKA2FiYxE=",                  // a map whose value is cut short
      "PROTO cpu_utilization=0.5",
  };
}

}  // namespace leastwise

#endif  // LEASTWISE_TESTS_CORE_REPORTS_HOSTILE_H_
