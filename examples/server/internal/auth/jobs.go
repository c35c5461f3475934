package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/riverqueue/river"

	"example.com/server/internal/mail"
	"github.com/bizy-ai/bizydb/bizydb"
)

// The paths of the pages that links in mails lead to. Following a link changes nothing: programs that look for bad links follow it, too.
const (
	VerifyPath = "/app/verify-email"
	ResetPath  = "/app/reset-password"
)

// A mailJob is a job: one mail. It has no link in it, since jobs are kept for a while: the link is made as the mail is sent.
type mailJob struct {
	For   purpose `json:"for" river:"unique"`
	Login string  `json:"login"`
	Key   string  `json:"key" river:"unique"` // of the login, however it is written
}

// InsertOpts lets an address have one mail to reset its password in five minutes, however often somebody asks for one.
func (l mailJob) InsertOpts() river.InsertOpts {
	if l.For != resetPassword {
		return river.InsertOpts{}
	}
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: 5 * time.Minute}}
}

func (mailJob) Kind() string { return "mail" }

type mailWorker struct {
	river.WorkerDefaults[mailJob]
	s *Service
}

// Work sends a mail. It may send one twice, if the process ends after it was sent.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[mailJob]) error {
	user, err := w.s.db.Accounts().FindByLogin(ctx, job.Args.Login)
	if errors.Is(err, bizydb.ErrNotFound) || err == nil && !user.IsActive {
		return nil
	}
	if err != nil {
		return err
	}
	subject, words, path, lifetime := "Verify your address", "Welcome, %s. Verify your address:", VerifyPath, 7*24*time.Hour
	if job.Args.For == resetPassword {
		subject, words, path, lifetime = "Set another password", "Hello %s. Set another password:", ResetPath, time.Hour
	}
	token, err := w.s.link(user, job.Args.For, lifetime)
	if err != nil {
		return err
	}
	return w.s.Sender.Send(ctx, mail.Message{
		To: user.Email, Subject: subject,
		Body: fmt.Sprintf(words, user.Username) + "\n\n" + w.s.PublicURL + path + "?token=" + url.QueryEscape(token) + "\n",
	})
}

// A cleaning is a job that runs once a day.
type cleaning struct{}

func (cleaning) Kind() string { return "cleaning" }

type cleaningWorker struct {
	river.WorkerDefaults[cleaning]
	s *Service
}

// Work forgets failures of sign-ins that count no more, and goals and tasks that were deleted long ago.
func (w *cleaningWorker) Work(ctx context.Context, _ *river.Job[cleaning]) error {
	if err := w.s.forgetFailures(ctx); err != nil {
		return err
	}
	_, err := w.s.db.Accounts().ForgetDeleted(ctx, 90*24*time.Hour)
	return err
}

// AddWorkers adds what does the service's jobs.
func (s *Service) AddWorkers(workers *river.Workers) {
	river.AddWorker(workers, &mailWorker{s: s})
	river.AddWorker(workers, &cleaningWorker{s: s})
}

// Periodic are the jobs that recur.
func Periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(
		river.PeriodicInterval(24*time.Hour), func() (river.JobArgs, *river.InsertOpts) { return cleaning{}, nil }, nil,
	)}
}
