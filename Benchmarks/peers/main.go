// The same work in Go's standard library.
//
//	peers serve PORT CERTIFICATE KEY
//	peers call PORT ROOTS SECONDS TASKS    calls per second of http.Client
//	peers mutual PORT ROOTS COUNT CERTIFICATE KEY full|resumed    the same with a client certificate
//	peers handshake PORT ROOTS COUNT       full handshakes, one GET each, then close
//	peers slow PORT COUNT                  holds connections that never end their handshake
//	peers idle PORT ROOTS COUNT            holds idle connections until its input ends
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type item struct {
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
	Amount   string `json:"amount"`
}

type order struct {
	ID         string `json:"id"`
	Lot        string `json:"lot"`
	Bidder     string `json:"bidder"`
	CreditCode string `json:"creditCode"`
	Premium    string `json:"premium"`
	Opening    string `json:"opening"`
	IsPaid     bool   `json:"isPaid"`
	Items      []item `json:"items"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(port, certificate, key string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/get", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]int{"milliseconds": 0})
	})
	mux.HandleFunc("/v1/echo", func(w http.ResponseWriter, r *http.Request) {
		var o order
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&o); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(o)
	})
	server := &http.Server{Addr: "127.0.0.1:" + port, Handler: mux, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	check(server.ListenAndServeTLS(certificate, key))
}

func roots(file string) *tls.Config {
	pem, err := os.ReadFile(file)
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

func call(port, file string, seconds float64, tasks int) {
	transport := &http.Transport{TLSClientConfig: roots(file), MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var count int64
	var group sync.WaitGroup
	for i := 0; i < tasks; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Now().Before(end) {
				response, err := client.Get("https://localhost:" + port + "/v1/get")
				check(err)
				var reply struct{ Milliseconds int64 }
				check(json.NewDecoder(response.Body).Decode(&reply))
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				atomic.AddInt64(&count, 1)
			}
		}()
	}
	group.Wait()
	fmt.Println(float64(count) / seconds)
}

func handshake(port, file string, count int) {
	config := roots(file)
	var next int64
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			buffer := make([]byte, 4096)
			for atomic.AddInt64(&next, 1) <= int64(count) {
				connection, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
				check(err)
				fmt.Fprintf(connection, "GET /v1/get HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				_, err = connection.Read(buffer)
				check(err)
				connection.Close()
			}
		}()
	}
	group.Wait()
}

// mutual shakes hands with a client certificate, one GET each; in "resumed" mode with the ticket of the one before.
func mutual(port, file string, count int, certificate, key, mode string) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	check(err)
	var next, resumed int64
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		config := roots(file)
		config.Certificates = []tls.Certificate{pair}
		if mode == "resumed" {
			config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		}
		group.Add(1)
		go func() {
			defer group.Done()
			buffer := make([]byte, 4096)
			for atomic.AddInt64(&next, 1) <= int64(count) {
				connection, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
				check(err)
				fmt.Fprintf(connection, "GET /v1/get HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
				_, err = connection.Read(buffer)
				check(err)
				if connection.ConnectionState().DidResume {
					atomic.AddInt64(&resumed, 1)
				}
				connection.Close()
			}
		}()
	}
	group.Wait()
	if mode == "resumed" && resumed < int64(count)*9/10 {
		check(fmt.Errorf("only %d of %d were resumed", resumed, count))
	}
}

// slow opens connections that begin a handshake and dribble a byte of it every second, again and again, until its input
// ends.
func slow(port string, count int) {
	for i := 0; i < count; i++ {
		go func() {
			for {
				connection, err := net.Dial("tcp", "127.0.0.1:"+port)
				if err != nil {
					time.Sleep(time.Second)
					continue
				}
				for _, b := range []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0, 0} {
					if _, err := connection.Write([]byte{b}); err != nil {
						break
					}
					time.Sleep(time.Second)
				}
				connection.Close()
			}
		}()
	}
	time.Sleep(2 * time.Second)
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
}

func idle(port, file string, count int) {
	config := roots(file)
	for i := 0; i < count; i++ {
		connection, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
		check(err)
		fmt.Fprintf(connection, "GET /v1/get HTTP/1.1\r\nHost: localhost\r\n\r\n")
		_, err = connection.Read(make([]byte, 4096))
		check(err)
		defer connection.Close()
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
}

func main() {
	number := func(i int) int { n, err := strconv.Atoi(os.Args[i]); check(err); return n }
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2], os.Args[3], os.Args[4])
	case "call":
		seconds, err := strconv.ParseFloat(os.Args[4], 64)
		check(err)
		call(os.Args[2], os.Args[3], seconds, number(5))
	case "slow":
		slow(os.Args[2], number(3))
	case "mutual":
		mutual(os.Args[2], os.Args[3], number(4), os.Args[5], os.Args[6], os.Args[7])
	case "handshake":
		handshake(os.Args[2], os.Args[3], number(4))
	case "idle":
		idle(os.Args[2], os.Args[3], number(4))
	}
}
